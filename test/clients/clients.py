"""The clients: what each is started with and what it takes to run it.

What has to be built or fetched (Go, Java, npm's packages) is looked for in the folder that
CLIENTS_BUILD names; scripts/build-clients.sh puts it there."""
import os
import shutil
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(FOLDER, "programs")
sys.path.insert(0, os.path.join(FOLDER, os.pardir, "integration"))  # the harness

BUILD = os.environ.get("CLIENTS_BUILD", os.path.join(FOLDER, os.pardir, os.pardir, "build/clients"))


class Client:
    """`dialect` is handed to the program as it is; `needs` are programs and files."""

    def __init__(self, name, command, dialect="text", needs=(), loops=True, counts=False):
        self.name = name
        self.loops = loops
        self.counts = counts
        self._command = command
        self._dialect = dialect
        self.lacks = ", ".join(what for what in (command[0], *needs) if not _is_there(what))

    def command(self, mode, *words):
        return [*self._command, mode, self._dialect, *words]

    @staticmethod
    def environment():
        return {**os.environ, "NODE_PATH": os.path.join(BUILD, "node_modules")}


def _is_there(what):
    """A program, a file, or a module of Debian's Python, PHP or Perl (as "python:memcache")."""
    kind, colon, name = what.partition(":")
    if not colon:
        return bool(shutil.which(what)) or os.path.exists(what)
    lookups = {
        "python": ["/usr/bin/python3", "-c", f"import {name}"],
        "php": ["php", "-r", f"exit(extension_loaded('{name}') ? 0 : 1);"],
        "perl": ["perl", "-e", f"require {name}"],
        "ruby": ["/usr/bin/ruby", "-e", f"require '{name}'"],
    }
    return _succeeds(lookups[kind])


def _succeeds(command):
    try:
        return os.spawnvp(os.P_WAIT, command[0], command) == 0
    except OSError:
        return False


def _program(name):
    return os.path.join(PROGRAMS, name)


def _python(name):
    return ["/usr/bin/python3", "-B", _program(name)]


def found_here():
    """Every client, with what it lacks on this machine."""
    jar = "/usr/share/java/spymemcached.jar"
    java = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{jar}:{BUILD}",
            "Spymemcached"]
    spy_needs = [jar, os.path.join(BUILD, "Spymemcached.class")]
    php, perl, ruby = "php", "/usr/bin/perl", "/usr/bin/ruby"
    perl_needs = ["perl:Cache::Memcached", "perl:Cache::Memcached::Fast"]
    return [
        Client("python_memcached", _python("python_memcached.py"), needs=["python:memcache"], counts=True),
        Client("pymemcache", _python("pymemcache_program.py"), needs=["python:pymemcache"], counts=True),
        Client("pylibmc_text", _python("pylibmc_program.py"), "text", ["python:pylibmc"], counts=True),
        Client("pylibmc_binary", _python("pylibmc_program.py"), "binary", ["python:pylibmc"], counts=True),
        Client("bmemcached", _python("bmemcached_program.py"), "binary", ["python:bmemcached"], counts=True),
        Client("php_memcached_text", [php, _program("php_memcached.php")], "text",
               ["php:memcached"], counts=True),
        Client("php_memcached_binary", [php, _program("php_memcached.php")], "binary",
               ["php:memcached"], counts=True),
        Client("php_memcache_text", [php, _program("php_memcache.php")], "text", ["php:memcache"], counts=True),
        Client("php_memcache_binary", [php, _program("php_memcache.php")], "binary",
               ["php:memcache"], counts=True),
        Client("php_sessions_memcached", [php, _program("php_sessions.php")], "memcached",
               ["php:memcached"], loops=False),
        Client("php_sessions_memcache", [php, _program("php_sessions.php")], "memcache",
               ["php:memcache"], loops=False),
        Client("cache_memcached", [perl, _program("cache_memcached.pl")], "plain", perl_needs),
        Client("cache_memcached_fast", [perl, _program("cache_memcached.pl")], "fast", perl_needs),
        Client("dalli", [ruby, _program("dalli.rb")], "binary", ["ruby:dalli"], counts=True),
        Client("gomemcache", [os.path.join(BUILD, "gomemcache")]),
        Client("spymemcached_text", java, "text", spy_needs, counts=True),
        Client("spymemcached_binary", java, "binary", spy_needs, counts=True),
        Client("memjs", ["node", _program("node/memjs.js")], "binary",
               [os.path.join(BUILD, "node_modules/memjs")]),
        Client("node_memcached", ["node", _program("node/memcached.js")], "text",
               [os.path.join(BUILD, "node_modules/memcached")]),
    ]
