"""What people do wrong, and the whole answer to each.

A message says what was asked, what was found and what to do. Names in braces stand for what differs from run to
run: ``{any}`` for any text, ``{project}``, ``{site}`` (where modules are installed), ``{server}`` and ``{port}`` (a server over TCP that
asks for a password and knows no TLS), ``{own}`` (a database of the row's own).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

GOOD = '{"event_type": "click", "payload": {}, "source": "web"}\n'
NONE: Mapping[str, str] = MappingProxyType({})
NEEDS_DATABASE = '{"name": "hello", "dependencies": {"interfaces": ["database"]}}'
NEEDS_FILES = '{"name": "hello", "dependencies": {"interfaces": ["filesystem"]}}'


class Mistake(NamedTuple):
    """One mistake.

    Attributes:
        what: the mistake in words.
        line: the command line without ``platform``.
        answer: the lines on standard error, without ``error: ``.
        code: the exit code.
        settings: environment variables.
        files: files of the project, by their paths; a character is a byte.
        module: files of the module ``hello``.
        missing: files that the module lacks.
        start: files of the project before ``before``.
        before: command lines that are run first.
        is_locked: whether another run has the date.
    """

    what: str
    line: str
    answer: str
    code: int = 2
    settings: Mapping[str, str] = NONE
    files: Mapping[str, str] = NONE
    module: Mapping[str, str] = NONE
    missing: Sequence[str] = ()
    start: Mapping[str, str] = NONE
    before: Sequence[str] = ()
    is_locked: bool = False


FOLDER = "--source-path raw --db memory"
DAY = f"--date 2026-01-15 {FOLDER}"
LOAD = f"run batch_etl {DAY}"
STRICT = "run batch_etl --db memory --no-allow-empty --date"
POSTGRES = "run batch_etl --date 2026-01-15 --source-path raw --db postgres"


def json(text: str) -> Mapping[str, str]:
    """Return the file ``module.json`` with ``text`` as its content."""
    return {"module.json": text}


def main(text: str, manifest: str = '{"name": "hello"}') -> Mapping[str, str]:
    """Return the files of a module with ``text`` as its ``main.py``."""
    return {"main.py": text, "module.json": manifest}


def migrations(*files: str) -> Mapping[str, str]:
    """Return files of migrations in the folder ``v``, given as ``name: text``."""
    return {f"v/{name}": f"{text}\n" for name, text in (file.split(": ", 1) for file in files)}


MISTAKES = (
    # Commands
    Mistake(
        "a mistyped command",
        "rum",
        "unknown command 'rum': known are {any} (did you mean 'run'?)",
    ),
    Mistake(
        "a mistyped subcommand",
        "migrate upp",
        "unknown command 'upp': known are create, down, mark, status, up (did you mean 'up'?)",
    ),
    Mistake("help as a command", "help", "unknown command 'help': give it as 'platform --help'"),
    Mistake(
        "a module as a command",
        f"batch_etl {DAY}",
        "unknown command 'batch_etl': it is a module, give it as 'platform run batch_etl'",
    ),
    Mistake(
        "a module with a dash",
        f"run batch-etl {DAY}",
        "unknown module 'batch-etl': installed are batch_etl, hello (did you mean 'batch_etl'?)",
    ),
    Mistake(
        "a module that is not installed",
        "run nothing",
        "unknown module 'nothing': installed are batch_etl, hello",
    ),
    Mistake(
        "a command of a shell that does not exist",
        "completion csh",
        "invalid value for 'SHELL': 'csh' is not one of 'bash', 'zsh', 'fish'",
    ),
    # Options
    Mistake(
        "no options",
        "run batch_etl",
        "missing option '--date': give it, such as '--date 2026-01-15'\nmissing option '--source-path': give it, such as '--source-path raw/events'",
    ),
    Mistake(
        "a mistyped option",
        f"run batch_etl --dat 2026-01-15 {FOLDER}",
        "unknown option '--dat' (did you mean '--date'?)\nmissing option '--date': give it, such as '--date 2026-01-15'",
    ),
    Mistake(
        "one dash",
        f"run batch_etl -date 2026-01-15 {FOLDER}",
        "unknown option '-date' (did you mean '--date'?)",
    ),
    Mistake(
        "a short option that does not exist",
        f"{LOAD} -x",
        "unknown option '-x': see 'platform run batch_etl -h'",
    ),
    Mistake("-help", "-help", "unknown option '-help' (did you mean '--help'?)"),
    Mistake(
        "the dash of a word processor",
        f"run batch_etl —date 2026-01-15 {FOLDER}",
        "missing option '--date': give it, such as '--date 2026-01-15'\nunexpected argument '—date': it begins with a dash of a text program, type '--date'",
    ),
    Mistake(
        "an empty variable",
        f"run batch_etl --date {FOLDER}",
        "option '--date' needs a value, and '--source-path' follows: was it an empty variable? (a value like that is given as --date=…)",
    ),
    Mistake("an option without a value at the end", f"{LOAD} --env", "option '--env' needs a value"),
    Mistake(
        "an option twice",
        f"{LOAD} --date 2026-01-16",
        "option '--date' is given more than once: give it once",
    ),
    Mistake(
        "an option and its opposite",
        f"{LOAD} --wait --no-wait",
        "options '--wait' and '--no-wait' exclude each other: give one of them",
    ),
    Mistake(
        "a value for a switch",
        f"{LOAD} --dry-run true",
        "unexpected argument 'true': '--dry-run' takes no value, give --dry-run or --no-dry-run",
    ),
    Mistake(
        "a value for a switch, with a sign",
        f"{LOAD} --dry-run=yes",
        "option '--dry-run' does not take a value",
    ),
    Mistake(
        "the opposite of what has none",
        f"{LOAD} --no-date",
        "unknown option '--no-date' (did you mean '--date'?)",
    ),
    Mistake(
        "a value with a blank",
        "run batch_etl --source-path raw events --date 2026-01-15",
        "unexpected argument 'events': quote a value with blanks, as in --source-path 'raw events'",
    ),
    Mistake(
        "a word too many",
        f"run batch_etl today {DAY}",
        "unexpected argument 'today': see 'platform run batch_etl -h'",
    ),
    Mistake(
        "an option before the module",
        "run --date 2026-01-15 batch_etl",
        "unknown option '--date': give options of a command after its name; see 'platform run -h'",
    ),
    Mistake(
        "two flags that exclude each other",
        "migrate down --count 1 --target 2",
        "--count and --target exclude each other: give one of them",
    ),
    Mistake(
        "none of two flags", "migrate mark 001_create_migrations_table", "give either --applied or --pending"
    ),
    Mistake(
        "a required argument left out",
        "migrate create",
        "missing argument 'NAME': see 'platform migrate create -h'",
    ),
    # Values
    Mistake(
        "a day that does not exist",
        f"run batch_etl --date 2026-02-30 {FOLDER}",
        "--date must be a day as YYYY-MM-DD, not '2026-02-30': there is no such day",
    ),
    Mistake(
        "a German date",
        f"run batch_etl --date 15.01.2026 {FOLDER}",
        "--date must be a day as YYYY-MM-DD, not '15.01.2026' (did you mean '2026-01-15'?)",
    ),
    Mistake(
        "a date without dashes",
        f"run batch_etl --date 20260115 {FOLDER}",
        "--date must be a day as YYYY-MM-DD, not '20260115' (did you mean '2026-01-15'?)",
    ),
    Mistake(
        "a timestamp",
        f"run batch_etl --date 2026-01-15T08:00 {FOLDER}",
        "--date must be a day as YYYY-MM-DD, not '2026-01-15T08:00' (did you mean '2026-01-15'?)",
    ),
    Mistake(
        "a word as a date",
        f"run batch_etl --date tomorrow {FOLDER}",
        "--date must be a day as YYYY-MM-DD, not 'tomorrow'",
    ),
    Mistake(
        "quotes of a web page",
        f"run batch_etl --date “2026-01-15” {FOLDER}",
        "--date must be a day as YYYY-MM-DD, not '“2026-01-15”' (did you mean '2026-01-15'?)",
    ),
    Mistake(
        "a word as a number",
        f"{LOAD} --batch-size many",
        "invalid value for '--batch-size': 'many' is not an integer",
    ),
    Mistake(
        "zero where there must be one", f"{LOAD} --batch-size 0", "--batch-size must be at least 1, not 0"
    ),
    Mistake(
        "a negative count", "migrate down --count -1", "invalid value for '--count': -1 is not at least 1"
    ),
    Mistake(
        "a value that is not a choice",
        f"{LOAD} --unknown-fields warning",
        "invalid value for '--unknown-fields': 'warning' is not one of warn, reject, ignore (did you mean 'warn'?)",
    ),
    Mistake(
        "a decimal comma",
        f"{LOAD} --max-rejected 0,5%",
        "--max-rejected must be like 100 or 0.5%, not '0,5%'",
    ),
    Mistake("more than all", f"{LOAD} --min-valid 101%", "--min-valid must be like 100 or 99.5%, not '101%'"),
    Mistake(
        "a word as a migration",
        "migrate up --target last",
        "invalid value for '--target': 'last' is not the number of a migration: give the digits that its file name starts with",
    ),
    Mistake(
        "a migration that does not exist",
        "migrate up --target 99 --db memory",
        "there is no migration 99: there are {any}",
        4,
    ),
    Mistake(
        "a name for a migration",
        "migrate create it's --dir v".replace("it's", '"it\'s"'),
        "\"it's\" cannot name a migration: use words of letters and digits, such as 'add users'",
    ),
    Mistake(
        "a table that cannot be named",
        f"{LOAD} --target-table 'drop table'",
        "--target-table: 'drop table' is not an identifier: letters, digits, '_' and '$' only, not a digit first, at most 63 characters",
    ),
    Mistake(
        "a table that does not exist",
        f"{LOAD} --target-table cleaned_event",
        "table 'cleaned_event' does not exist in the schemas of the search_path (did you mean 'cleaned_events'?): create it first like cleaned_events, whose DDL is in the migration 003_create_cleaned_events_table",
        1,
    ),
    # Paths
    Mistake(
        "a path from the root of the disk",
        f"{STRICT} 2026-01-15 --source-path /data/raw",
        "--source-path: path '/data/raw' is refused: it must be relative to the root",
    ),
    Mistake(
        "a path that leaves the root",
        f"{STRICT} 2026-01-15 --source-path ../raw",
        "--source-path: path '../raw' is refused: no part may be empty, '.' or '..'",
    ),
    Mistake(
        "a URL as a path",
        f"{STRICT} 2026-01-15 --source-path s3://lake/raw",
        "--source-path: path 's3://lake/raw' is refused: it is a URL, and must be relative to the root of the file system",
    ),
    Mistake(
        "a folder that does not exist",
        f"{STRICT} 2026-01-15 --source-path row",
        "no raw data found: '{project}/files/row/2026-01-15' does not exist: the root has no folder 'row'; did you mean 'raw/'?; the date is there with --source-path 'raw' (--allow-empty accepts a day without data)",
        1,
    ),
    Mistake(
        "a path with the date",
        f"{STRICT} 2026-01-15 --source-path raw/2026-01-15",
        "no raw data found: '{project}/files/raw/2026-01-15/2026-01-15' does not exist: 'raw/2026-01-15' has no folder '2026-01-15'; the date is added to the source path: give --source-path 'raw'; it has 'a.jsonl' (--allow-empty accepts a day without data)",
        1,
    ),
    Mistake(
        "a pattern",
        f"{STRICT} 2026-01-15 --source-path 'raw/*'",
        "no raw data found: '{project}/files/raw/*/2026-01-15' does not exist: 'raw' has no folder '*'; --source-path is the name of a folder: '*' and the like are not patterns in it; it has '2026-01-15/' (--allow-empty accepts a day without data)",
        1,
    ),
    Mistake(
        "a date without data",
        f"{STRICT} 2026-01-16 --source-path raw",
        "no raw data found: '{project}/files/raw/2026-01-16' does not exist: 'raw' has no folder '2026-01-16'; dates found: 2026-01-15 (--allow-empty accepts a day without data)",
        1,
    ),
    Mistake(
        "rejects of a file that has none",
        "rejects show raw/nothing.jsonl",
        "nothing is rejected below 'raw/nothing.jsonl', and no such file or directory exists: see 'platform rejects list'",
    ),
    Mistake(
        "rejects of a path outside",
        "rejects drop ../raw",
        "path '../raw' is refused: no part may be empty, '.' or '..'",
    ),
    # Environments and adapters
    Mistake(
        "a short name of an environment",
        f"{LOAD} --env prod",
        "unknown env 'prod': there is no '{project}/.env/prod.env'; known are local, production, staging, test (did you mean 'production'?)",
    ),
    Mistake(
        "a path as an environment",
        f"{LOAD} --env ../staging",
        "env '../staging' is refused: it may have letters, digits, '_' and '-' only",
    ),
    Mistake(
        "a mistyped database",
        f"{LOAD} --db postgress".replace("--db memory ", ""),
        "unknown database 'postgress': installed are embedded, memory, postgres (did you mean 'postgres'?)",
    ),
    Mistake(
        "an adapter that is not installed",
        f"{LOAD} --fs ftp",
        "unknown file system 'ftp': installed are azure, gcs, local, memory, minio, s3",
    ),
    Mistake(
        "an adapter in a variable",
        f"{LOAD}".replace(" --db memory", ""),
        "unknown database 'mysql': installed are embedded, memory, postgres (chosen by PLATFORM_DB in the environment)",
        settings={"PLATFORM_DB": "mysql"},
    ),
    Mistake(
        "a variable with a wrong switch",
        LOAD,
        "PLATFORM_AUTO_MIGRATE in the environment is 'maybe': use true or false",
        settings={"PLATFORM_AUTO_MIGRATE": "maybe"},
    ),
    Mistake(
        "a wrong level",
        LOAD,
        "LOG_LEVEL is 'verbose': use one of DEBUG, INFO, WARN, ERROR",
        settings={"LOG_LEVEL": "verbose"},
    ),
    Mistake(
        "production without a database",
        LOAD.replace("--db memory", "--env production"),
        "'PLATFORM_DB' is not set: looked in the environment; env 'production' has no default database: set PLATFORM_DB, or give --db; installed are embedded, memory, postgres",
    ),
    Mistake(
        "production without a root",
        f"{LOAD} --env production",
        "'FS_LOCAL_ROOT' is not set: looked in the environment; it is empty in the environment; env 'production' has no default for it: set FS_LOCAL_ROOT",
        settings={"FS_LOCAL_ROOT": ""},
    ),
    Mistake(
        "rolling back production",
        "migrate down --env production --db memory",
        "rolling back in env 'production' may lose data: add --yes, or --dry-run to see what it would do",
    ),
    Mistake(
        "an env file that is not one",
        LOAD,
        "line 1 of '{project}/.env/local.env' is not KEY=value",
        files={".env/local.env": "export\n"},
    ),
    Mistake(
        "an env file in another encoding",
        LOAD,
        "line 1 of '{project}/.env/local.env' is not UTF-8: save it as UTF-8",
        files={".env/local.env": "A=\xff\n"},
    ),
    Mistake(
        "an env file that names another",
        LOAD,
        "PLATFORM_ENV is 'staging' in '{project}/.env/local.env', but this file is read only after the environment was chosen, and that is 'local' by default: give --env staging, or set PLATFORM_ENV in the environment, and remove it from the file",
        files={".env/local.env": "PLATFORM_ENV=staging\n"},
    ),
    Mistake(
        "a root that is not mounted",
        f"{LOAD} --no-allow-empty",
        "no raw data found: '/mnt/gone/raw/2026-01-15' cannot be read: the root '/mnt/gone' (FS_LOCAL_ROOT) does not exist: is the disk mounted?",
        1,
        {"FS_LOCAL_ROOT": "/mnt/gone"},
    ),
    Mistake(
        "a root that is a file",
        "rejects list",
        "the root '{project}/a' (FS_LOCAL_ROOT) is a file, not a directory",
        1,
        {"FS_LOCAL_ROOT": "a"},
        {"a": ""},
    ),
    Mistake(
        "a root that cannot be written",
        "run hello",
        "cannot write 'a' under '/sys': {any}",
        1,
        {"FS_LOCAL_ROOT": "/sys"},
        module=main("async def run(ctx): await ctx.fs.write('a', b''); return 0\n", NEEDS_FILES),
    ),
    # The database
    Mistake(
        "no URL",
        POSTGRES,
        "'DB_POSTGRES_URL' is not set: looked in the environment, then '{project}/.env/local.env'; set it to postgresql://user:password@host:5432/name",
    ),
    Mistake(
        "another kind of URL",
        POSTGRES,
        "the connection URL in DB_POSTGRES_URL begins with 'mysql://': it must begin with 'postgresql://' (the form is postgresql://user:password@host:5432/name)",
        settings={"DB_POSTGRES_URL": "mysql://u:canary-1@h/d"},
    ),
    Mistake(
        "a URL without a scheme",
        POSTGRES,
        "the connection URL in DB_POSTGRES_URL does not begin with 'postgresql://' (the form is postgresql://user:password@host:5432/name)",
        settings={"DB_POSTGRES_URL": "localhost:5432/d"},
    ),
    Mistake(
        "a port that is none",
        POSTGRES,
        "'port' in the connection URL (DB_POSTGRES_URL) is not a port, a whole number from 1 to 65535 (if it is a piece of the password: write '/' in it as %2F and '?' as %3F)",
        settings={"DB_POSTGRES_URL": "postgresql://u:canary-1@h:port/d"},
    ),
    Mistake(
        "a password with signs",
        POSTGRES,
        "the connection URL in DB_POSTGRES_URL cannot be read: inside a user, password or name write '#' as %23, '@' as %40 (and '%' as %25)",
        settings={"DB_POSTGRES_URL": "postgresql://u:canary#1@2@h/d"},
    ),
    Mistake(
        "a host that does not exist",
        POSTGRES,
        "the database u@gone.invalid:5432/d (DB_POSTGRES_URL) cannot be reached: the host 'gone.invalid' is not known ({any}): is the name right?",
        1,
        {"DB_POSTGRES_URL": "postgresql://u:canary-1@gone.invalid/d"},
    ),
    Mistake(
        "a server that is down",
        POSTGRES,
        "the database u@127.0.0.1:1/d (DB_POSTGRES_URL) cannot be reached: nothing listens on port 1 of '127.0.0.1' (connection refused): is the server running, and the port right?",
        1,
        {"DB_POSTGRES_URL": "postgresql://u:canary-1@127.0.0.1:1/d"},
    ),
    Mistake(
        "a wrong password",
        POSTGRES,
        'the database postgres@127.0.0.1:{port}/postgres (DB_POSTGRES_URL) cannot be used: password authentication failed for user "postgres" (SQLSTATE 28P01): correct it in the URL, PGPASSWORD or the password file (PGPASSFILE, ~/.pgpass)',
        settings={"DB_POSTGRES_URL": "postgresql://postgres:canary-1@127.0.0.1:{port}/postgres"},
    ),
    Mistake(
        "no password",
        POSTGRES,
        'the database postgres@127.0.0.1:{port}/postgres (DB_POSTGRES_URL) cannot be used: password authentication failed for user "postgres" (SQLSTATE 28P01): there is no password in the URL, PGPASSWORD or the password file (PGPASSFILE, ~/.pgpass)',
        settings={"DB_POSTGRES_URL": "postgresql://postgres@127.0.0.1:{port}/postgres"},
    ),
    Mistake(
        "a database that does not exist",
        POSTGRES,
        'the database postgres@127.0.0.1:{port}/postgres-gone (DB_POSTGRES_URL) cannot be used: database "postgres-gone" does not exist (SQLSTATE 3D000): correct the name at the end of the URL, or create the database',
        settings={"DB_POSTGRES_URL": "{server}-gone"},
    ),
    Mistake(
        "TLS where there is none",
        POSTGRES,
        "the database postgres@127.0.0.1:{port}/postgres (DB_POSTGRES_URL) cannot be used: the server does not support TLS, which sslmode='require' asks for: switch it on there (ssl = on), or, in a network you trust, use sslmode=disable",
        settings={"DB_POSTGRES_URL": "{server}?sslmode=require"},
    ),
    Mistake(
        "a setting that is not a number",
        POSTGRES,
        "DB_POSTGRES_POOL_MAX must be a whole number from 1 to 10000, not 'ten' (chosen by --db)",
        settings={"DB_POSTGRES_URL": "{server}", "DB_POSTGRES_POOL_MAX": "ten"},
    ),
    Mistake(
        "a date that another run has",
        f"{POSTGRES} --no-wait",
        "another run loads 2026-01-15 into 'cleaned_events': run again later, or leave out --no-wait to wait for it (lock {any} was not free within 0 s: held by server process {any})",
        1,
        {"DB_POSTGRES_URL": "{own}"},
        before=["migrate up --db postgres"],
        is_locked=True,
    ),
    # Migrations
    Mistake(
        "pending migrations in production",
        f"{POSTGRES} --env production",
        "the database of env 'production' is not up to date: {any} are pending; apply pending migrations with 'platform migrate up --env production --db postgres', or run with --auto-migrate",
        settings={"DB_POSTGRES_URL": "{own}"},
    ),
    Mistake(
        "a migration changed after it was applied",
        "migrate up --db postgres --dir v",
        "the history does not fit the files, nothing was applied: 001_a is changed (applied as 10515332, the file is now 75680260: take the edit back; or, where the data can go, roll it back with 'platform migrate down' and run again; or accept it with 'platform migrate mark 001_a --applied')",
        4,
        {"DB_POSTGRES_URL": "{own}"},
        migrations("001_a.py: async def up(conn): return 1"),
        start=migrations("001_a.py: async def up(conn): return"),
        before=["migrate up --db postgres --dir v"],
    ),
    Mistake(
        "a migration below one that is applied",
        "migrate up --db postgres --dir v",
        "the history does not fit the files, nothing was applied: 001_b is out of order (002 is applied: give it a higher number, or use 'up --allow-out-of-order')",
        4,
        {"DB_POSTGRES_URL": "{own}"},
        migrations("001_b.py: async def up(conn): return"),
        start=migrations("002_a.py: async def up(conn): return"),
        before=["migrate up --db postgres --dir v"],
    ),
    Mistake(
        "a number twice",
        "migrate up --db memory --dir v",
        "the same number twice, renumber one: {project}/v/001_a.py and {project}/v/001_b.py",
        4,
        files=migrations("001_a.py: async def up(conn): return", "001_b.py: async def up(conn): return"),
    ),
    Mistake(
        "a name without a number",
        "migrate up --db memory --dir v",
        "not named like 001_create_users.py, rename or remove: {project}/v/users.py",
        4,
        files=migrations("users.py: async def up(conn): return"),
    ),
    Mistake(
        "a migration without up",
        "migrate up --db memory --dir v",
        "migration '001_a' must define 'async def up(conn)'",
        4,
        files=migrations("001_a.py: def upgrade(conn): return"),
    ),
    Mistake(
        "a migration that fails",
        "migrate up --db memory --dir v",
        "migration '001_a' failed: Binder Error: Referenced column \"gone\" was not found because the FROM clause is missing; done before it: none; not tried: none",
        1,
        files=migrations("001_a.py: async def up(conn): await conn.execute('SELECT gone')"),
    ),
    Mistake(
        "a folder of migrations that does not exist",
        "migrate up --db memory --dir gone",
        "there is no folder '{project}/gone' to read migrations from",
        4,
    ),
    Mistake(
        "marking what does not exist",
        "migrate mark gone --applied --db memory",
        "cannot mark 'gone', nothing was changed: there is no file of that name, see 'platform migrate status'",
        4,
    ),
    # module.json
    Mistake(
        "JSON that is none",
        "run hello",
        "{site}/hello_job/module.json: it is not readable JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        module=json("{"),
    ),
    Mistake(
        "a list", "run hello", "{site}/hello_job/module.json: it must hold one JSON object", module=json("[]")
    ),
    Mistake(
        "no module.json",
        "run hello",
        "module 'hello' has no 'module.json' beside the __init__.py of 'hello_job'",
        missing=["module.json"],
    ),
    Mistake(
        "another name",
        "run hello",
        "{site}/hello_job/module.json: name: it is 'hallo', but the module is installed as 'hello'",
        module=json('{"name": "hallo"}'),
    ),
    Mistake(
        "a mistyped key",
        "run hello",
        "{site}/hello_job/module.json: descripton: unknown key (did you mean 'description'?)",
        module=json('{"name": "hello", "descripton": ""}'),
    ),
    Mistake(
        "another type",
        "run hello",
        "{site}/hello_job/module.json: type: it must be 'job', not 'service'",
        module=json('{"name": "hello", "type": "service"}'),
    ),
    Mistake(
        "a mistyped interface",
        "run hello",
        "{site}/hello_job/module.json: dependencies.interfaces[0]: it must be one of database, filesystem, logging, secrets, executor, not 'databse' (did you mean 'database'?)",
        module=json(NEEDS_DATABASE.replace("base", "bse")),
    ),
    Mistake(
        "a type that does not exist",
        "run hello",
        "{site}/hello_job/module.json: args[0].type: 'int' is none of boolean, float, integer, string (did you mean 'integer'?)",
        module=json('{"name": "hello", "args": [{"name": "n", "type": "int"}]}'),
    ),
    Mistake(
        "an option of the platform",
        "run hello",
        "{site}/hello_job/module.json: args[0].name: 'db' clashes with an option of the platform: rename it",
        module=json('{"name": "hello", "args": [{"name": "db", "type": "string"}]}'),
    ),
    Mistake(
        "a default of another type",
        "run hello",
        "{site}/hello_job/module.json: args[0].default: '7' is not of type integer",
        module=json('{"name": "hello", "args": [{"name": "n", "type": "integer", "default": "7"}]}'),
    ),
    Mistake(
        "arguments that are not a list",
        "run hello",
        "{site}/hello_job/module.json: args: it must be a list, not {'n': 1}",
        module=json('{"name": "hello", "args": {"n": 1}}'),
    ),
    Mistake(
        "a module that is needed and missing",
        "run hello",
        "module 'hello' needs 'bye': unknown module 'bye': installed are batch_etl, hello",
        module=json('{"name": "hello", "dependencies": {"modules": ["bye"]}}'),
    ),
    Mistake(
        "a folder of migrations that is missing",
        "run hello",
        "{site}/hello_job/module.json: migrations: there is no folder '{site}/hello_job/versions': make it",
        module=json(NEEDS_DATABASE[:-1] + ', "migrations": "versions"}'),
    ),
    # main.py
    Mistake(
        "no main.py",
        "run hello",
        "module 'hello' cannot be loaded from 'hello_job.main:run': No module named 'hello_job.main': define 'async def run(ctx)' in its main.py",
        missing=["main.py"],
    ),
    Mistake(
        "a package that is not installed",
        "run hello",
        "module 'hello' cannot be loaded from 'hello_job.main:run': No module named 'pandsa' ({site}/hello_job/main.py, line 1): install it, or correct its name",
        module=main("import pandsa\n"),
    ),
    Mistake(
        "a mistake in Python",
        "run hello",
        "module 'hello' cannot be loaded from 'hello_job.main:run': SyntaxError: '(' was never closed ({site}/hello_job/main.py, line 1)",
        module=main("async def run(ctx:\n"),
    ),
    Mistake(
        "no run",
        "run hello",
        "module 'hello' cannot be loaded from 'hello_job.main:run': module 'hello_job.main' has no attribute 'run': define 'async def run(ctx)' in its main.py",
        module=main("async def main(ctx): return 0\n"),
    ),
    Mistake(
        "run without async",
        "run hello",
        "'run' of module 'hello' ({site}/hello_job/main.py, line 1) is not async: define it as 'async def run(ctx)'",
        1,
        module=main("def run(ctx): return 0\n"),
    ),
    Mistake(
        "run without the context",
        "run hello",
        "'run' of module 'hello' ({site}/hello_job/main.py, line 1) must take one argument, the context, as 'async def run(ctx)' does: too many positional arguments",
        module=main("async def run(): return 0\n"),
    ),
    Mistake(
        "run without return",
        "run hello",
        "'run' of module 'hello' ({site}/hello_job/main.py, line 1) returned None: it must return the exit code, 0 for success",
        1,
        module=main("async def run(ctx): pass\n"),
    ),
    Mistake(
        "run that returns text",
        "run hello",
        "'run' of module 'hello' ({site}/hello_job/main.py, line 1) returned a str: it must return the exit code, 0 for success",
        1,
        module=main("async def run(ctx): return 'done'\n"),
    ),
    Mistake(
        "an error in run",
        "run hello",
        "module 'hello' failed: KeyError: 'whom' (hello_job/main.py:1 in run)",
        1,
        module=main("async def run(ctx): return ctx.config['whom']\n"),
    ),
    Mistake(
        "an interface that is not declared",
        "run hello",
        "this module uses 'filesystem' without declaring it: add 'filesystem' to dependencies.interfaces in its module.json",
        module=main("async def run(ctx): await ctx.fs.read('a')\n"),
    ),
    Mistake(
        "a file that does not exist",
        "run hello",
        "cannot read 'a' under '{project}/files': No such file or directory",
        1,
        module=main("async def run(ctx): await ctx.fs.read('a')\n", NEEDS_FILES),
    ),
    Mistake(
        "wrong SQL",
        "run hello --db memory",
        'Parser Error: syntax error at or near "SELEC"',
        1,
        module=main("async def run(ctx): await ctx.db.execute('SELEC 1')\n", NEEDS_DATABASE),
    ),
    Mistake(
        "a parameter that is not a list",
        "run hello --db memory",
        "parameters must be a list, not int: write [value] for a single one",
        1,
        module=main("async def run(ctx): await ctx.db.execute('SELECT $1', 1)\n", NEEDS_DATABASE),
    ),
)
