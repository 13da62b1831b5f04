"""``driftline run``: a program whose code does not know of Driftline is recorded, and is otherwise as it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from driftline import run as run_command
from process_support import clean_environment, on_disk

if TYPE_CHECKING:
    from collector_support import FakeProvider

DRIFTLINE = str(Path(sys.executable).parent / "driftline")
STARTUP = str(Path(run_command.__file__).parent / "startup")

ASK = """
import openai
def ask(question="?"):
    with openai.OpenAI(base_url=BASE_URL, api_key="test") as client:
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": question}])
"""


def start(folder: Path, *arguments: str, said: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DRIFTLINE, "run", *arguments],
        cwd=folder,
        env=clean_environment(folder / "data", **environ),
        input=said,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def program(folder: Path, llm: FakeProvider, code: str) -> str:
    (folder / "app.py").write_text(ASK.replace("BASE_URL", repr(llm.base_url)) + code)
    return "app.py"


def test_calls_of_a_program_and_of_the_processes_that_it_starts_are_recorded(tmp_path: Path, llm: FakeProvider) -> None:
    app = program(
        tmp_path,
        llm,
        """
import subprocess, sys
if sys.argv[1:]:
    ask(sys.argv[1])
    sys.exit()
ask(sys.stdin.read())
subprocess.run([sys.executable, __file__, "in a child"], check=True)
sys.exit(7)
""",
    )
    done = start(tmp_path, app, said="in the parent")
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    spans = on_disk(tmp_path / "data")
    assert [span.attributes["gen_ai.usage.input_tokens"] for span in spans] == [142, 142]
    assert "in the parent" in spans[0].attributes["gen_ai.input.messages"]
    assert "in a child" in spans[1].attributes["gen_ai.input.messages"]


def test_a_provider_that_the_program_sets_after_its_imports_is_joined(tmp_path: Path, llm: FakeProvider) -> None:
    app = program(
        tmp_path,
        llm,
        """
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
provider = TracerProvider(resource=Resource({"service.name": "theirs"}))
trace.set_tracer_provider(provider)
ask()
assert trace.get_tracer_provider() is provider
""",
    )
    assert start(tmp_path, app).stderr == ""
    (span,) = on_disk(tmp_path / "data")
    assert span.resource["service.name"] == "theirs"


def test_a_program_that_calls_no_model_is_as_without_us(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.before = 'ran'\n")
    (tmp_path / "app.py").write_text(
        "import sys, sitecustomize, os\n"
        "assert sys.before == 'ran' and sitecustomize.__file__ == os.path.abspath('sitecustomize.py')\n"
        "assert not any('driftline' in name or 'opentelemetry' in name for name in sys.modules), sys.modules\n"
        f"assert {STARTUP!r} not in sys.path\n"
        "print(os.getpid(), sys.argv)\n"
    )
    command = [DRIFTLINE, "run", "app.py", "-m", "--help"]
    env = clean_environment(tmp_path, PYTHONPATH=".")
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as process:
        said, _ = process.communicate(timeout=60)
    assert said == f"{process.pid} ['app.py', '-m', '--help']\n"  # the same process, so signals need not be passed on


def test_with_a_broken_configuration_the_program_runs_with_one_warning(tmp_path: Path, llm: FakeProvider) -> None:
    done = start(tmp_path, program(tmp_path, llm, "ask(); ask(); print('done')"), DRIFTLINE_QUEUE_MB="many")
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert done.stderr.count("driftline: nothing is recorded") == 1
    assert "DRIFTLINE_QUEUE_MB" in done.stderr


def test_gunicorns_workers_are_recorded_and_nothing_is_lost_at_its_end(tmp_path: Path, llm: FakeProvider) -> None:
    program(
        tmp_path,
        llm,
        """
import os
def app(environ, start_response):
    ask(environ["PATH_INFO"])
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]
""",
    )
    (tmp_path / "client.py").write_text(CLIENT)
    command = [DRIFTLINE, "run", "gunicorn", "--workers", "2", "--preload", "--bind", "unix:socket", "app:app"]
    env = clean_environment(tmp_path / "data")
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.count("Booting worker"):
                break
        answered = subprocess.run(
            [sys.executable, "client.py"], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.split()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert len(answered) == 40
    spans = on_disk(tmp_path / "data")
    asked = sorted(span.attributes["gen_ai.input.messages"].split('"/')[1].split('"')[0] for span in spans)
    assert asked == sorted(map(str, range(40)))


CLIENT = """
import http.client, socket
class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("socket")
for number in range(40):
    connection = Connection("localhost")
    connection.request("GET", f"/{number}")
    answer = connection.getresponse()
    assert answer.status == 200
    print(answer.read().decode())
"""


def test_a_module_runs_with_this_interpreter_and_a_command_is_first_looked_for_beside_it(tmp_path: Path) -> None:
    assert run_command.command_of(["-m", "app", "x"]) == [sys.executable, "-m", "app", "x"]
    assert run_command.command_of(["folder/app.py"]) == [sys.executable, "folder/app.py"]
    assert run_command.command_of(["driftline", "up"]) == [DRIFTLINE, "up"]
    assert run_command.command_of(["sh", "-c", "true"]) == [shutil.which("sh"), "-c", "true"]
    assert run_command.command_of(["no-such-command"]) is None


def test_the_environment_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inside = run_command.environment({"HOME": "/home"})
    assert inside == {"HOME": "/home", "PYTHONPATH": STARTUP, "DRIFTLINE_INSTRUMENT": "all"}
    assert run_command.environment(inside) == inside
    named = {"PYTHONPATH": f"lib{os.pathsep}", "DRIFTLINE_INSTRUMENT": "openai"}
    assert run_command.environment(named) == {**named, "PYTHONPATH": os.pathsep.join([STARTUP, "lib", ""])}
    (tmp_path / "driftline.toml").write_text('instrument = "openai"\n')
    assert "DRIFTLINE_INSTRUMENT" not in run_command.environment({})


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 2), (["-m"], 2), (["-x"], 2)])
def test_how_to_use_it_is_said_without_the_servers_packages(arguments: list[str], code: int) -> None:
    only_ours = (
        "import sys; sys.modules |= dict.fromkeys(['typer', 'rich', 'click']); "
        f"sys.argv = ['driftline', 'run', *{arguments!r}]; import driftline_cli; driftline_cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", only_ours], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert (done.stderr if code else done.stdout).startswith("Usage: driftline run FILE.py")


def test_a_command_that_is_not_there_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run_command.main(["no-such-command"])
    assert left.value.code == 127
    assert "there is no command 'no-such-command'" in capsys.readouterr().err
