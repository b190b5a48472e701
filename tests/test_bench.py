"""The benchmarks tell the truth: what is named, checked, refused and printed. Nothing here measures speed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cases import Case
from check import REDUCED, TOLERANCE, WrongResultError, check
from contenders import PRECISIONS, UnsupportedError, Variant, in_precision, reorder_gates

from fastlstm import bench, reference
from fastlstm import timing as clock

ROOT = Path(__file__).parents[1]

pytest.importorskip("tqdm")
import fit  # noqa: E402
import footprint  # noqa: E402
import precisions  # noqa: E402
import regression  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402
import run  # noqa: E402
import sweep  # noqa: E402
import threads as thread_bench  # noqa: E402
import whole  # noqa: E402
from expected import expected_outputs  # noqa: E402
from processes import Entrant, Process  # noqa: E402
from worker import Worker, serve  # noqa: E402
from workloads import GROUPS, Workload, all_workloads, make_task, shrink  # noqa: E402

TINY = [*{shrink(workload): None for _, workload in all_workloads()}]


# --- The list of workloads --------------------------------------------------------------------------------------------


def test_names_are_unique_and_every_group_has_some() -> None:
    names = [workload.name for _, workload in all_workloads()]
    assert len(names) == len(set(names))
    assert all(GROUPS.values())
    assert {workload.mode for _, workload in all_workloads()} == {"step", "forward", "train", "fit_step"}


def test_workloads_survive_json() -> None:
    for _, workload in all_workloads():
        assert Workload.from_json(json.loads(json.dumps(workload.to_json()))) == workload


def test_operations_follow_the_steps_that_are_there() -> None:
    full = next(workload for _, workload in all_workloads(["promised"]))
    varied = next(workload for _, workload in all_workloads(["lengths"]))
    assert line_of(full).work.flops == full.case.flops
    assert line_of(varied).work.flops < varied.case.flops


def test_packaged_and_whole_suite_name_and_count_alike() -> None:
    for _, workload in all_workloads(["promised"]):
        case = workload.case
        packaged = bench.Case(workload.mode, case.cell, case.T, case.N, case.I, case.H)
        assert packaged.name == workload.name
        assert packaged.work == line_of(workload).work


def line_of(workload: Workload) -> results.Line:
    return results.Line("group", workload, 1, {}, None)


# --- The check --------------------------------------------------------------------------------------------------------


@pytest.fixture
def workload() -> Workload:
    return shrink(all_workloads(["promised"])[0][1])


def with_wrong_number(outputs: dict[str, Any], name: str, value: float) -> dict[str, Any]:
    wrong = {key: array.copy() for key, array in outputs.items()}
    wrong[name].flat[-1] += value
    return wrong


def test_check_refuses_what_is_wrong(workload: Workload) -> None:
    expected = expected_outputs(make_task(workload))
    assert check(workload, expected, expected) == 0
    for value in (10 * TOLERANCE["forward"], np.nan, np.inf):
        with pytest.raises(WrongResultError, match="y is off"):
            check(workload, with_wrong_number(expected, "y", value), expected)
    with pytest.raises(WrongResultError, match="h_n was not computed"):
        check(workload, {"y": expected["y"]}, expected)
    with pytest.raises(WrongResultError, match="y must have shape"):
        check(workload, {**expected, "y": expected["y"][:1]}, expected)


def test_check_keeps_lower_precision_out(workload: Workload) -> None:
    expected = expected_outputs(make_task(workload))
    bits = expected["y"].astype(np.float32).view(np.uint32) & 0xFFFF0000  # bf16 is the upper half of float32
    with pytest.raises(WrongResultError):
        check(workload, {**expected, "y": bits.view(np.float32)}, expected)


@pytest.mark.parametrize("precision", REDUCED)
def test_check_of_a_reduced_precision_takes_its_error_and_neither_less_nor_more(
    workload: Workload, precision: str
) -> None:
    expected = expected_outputs(make_task(workload))
    rounded = {name: reference.to_bfloat16(array) for name, array in expected.items()}
    assert check(workload, rounded, expected, precision) > TOLERANCE["forward"]
    with pytest.raises(WrongResultError, match=f"it was not computed in {precision}"):
        check(workload, expected, expected, precision)
    for value in (2 * REDUCED[precision]["forward"], np.nan):
        with pytest.raises(WrongResultError, match="y is off"):
            check(workload, with_wrong_number(rounded, "y", value), expected, precision)


def fake_contender(*variants: Variant) -> Any:
    named = {f"variant {k}": variant for k, variant in enumerate(variants)}
    return SimpleNamespace(prepare=lambda task, threads: named, versions=dict)


@pytest.fixture
def expected_file(workload: Workload, tmp_path: Path) -> str:
    path = tmp_path / "expected.npz"
    np.savez(path, **expected_outputs(make_task(workload)))
    return str(path)


def test_garbage_is_not_timed(workload: Workload, expected_file: str) -> None:
    expected = expected_outputs(make_task(workload))
    calls: list[str] = []
    garbage = Variant(lambda: calls.append("garbage"), lambda _: with_wrong_number(expected, "y", 1.0))
    worker = Worker(fake_contender(garbage), threads=1)
    reply = worker.answer("prepare", workload=workload.to_json(), expected=expected_file)
    assert reply["status"] == "wrong"
    assert "y is off" in reply["why"]
    assert calls == ["garbage"]  # the run that was checked, and none after it
    with pytest.raises(RuntimeError, match="nothing is timed"):
        worker.answer("time", seconds=0.0)


def test_a_fast_wrong_variant_loses_to_a_right_one(workload: Workload, expected_file: str) -> None:
    expected = expected_outputs(make_task(workload))
    wrong = Variant(lambda: None, lambda _: with_wrong_number(expected, "h_n", 1.0))
    right = Variant(lambda: sum(range(1000)), lambda _: expected)
    worker = Worker(fake_contender(wrong, right), threads=1)
    reply = worker.answer("prepare", workload=workload.to_json(), expected=expected_file)
    assert (reply["status"], reply["variant"]) == ("ready", "variant 1")
    assert "variant 0" in reply["wrong_variants"][0]
    assert worker.answer("time", seconds=0.0)["samples"]


def test_a_failure_is_an_answer(workload: Workload) -> None:
    line = json.dumps({"command": "prepare", "workload": workload.to_json(), "expected": "missing.npz"})
    replies = io.StringIO()
    serve(Worker(fake_contender(), threads=1), io.StringIO(line + "\n"), replies)
    assert json.loads(replies.getvalue())["status"] == "failed"


# --- Contenders -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workload", TINY, ids=lambda workload: workload.name)
@pytest.mark.parametrize("name", ["fastlstm", "padded", "numpy"])
def test_contenders_solve_every_kind_of_workload(name: str, workload: Workload) -> None:
    import importlib

    task = make_task(workload)
    try:
        variants = importlib.import_module(f"contenders.{name}").prepare(task, 1)
    except UnsupportedError:
        assert name != "fastlstm"
        return
    for variant in variants.values():
        assert check(workload, variant.outputs(), expected_outputs(task)) < 1e-5
        assert check(workload, variant.outputs(), expected_outputs(task)) < 1e-5  # a second call starts afresh


@pytest.mark.parametrize("precision", REDUCED)
@pytest.mark.parametrize("workload", GROUPS["precisions"], ids=lambda workload: workload.name)
def test_ours_solves_what_is_timed_in_every_precision(workload: Workload, precision: str) -> None:
    from contenders.fastlstm import prepare

    small = shrink(workload, size=20)
    task = make_task(small, precision)
    if (workload.mode, precision) == ("train", "int8"):
        with pytest.raises(UnsupportedError, match="int8 is for inference"):
            prepare(task, 1)
        return
    (variant,) = prepare(task, 1).values()
    assert check(small, variant.outputs(), expected_outputs(task), precision) > 0


@pytest.mark.parametrize("group", ["fitting", "convolutions"])
def test_what_is_timed_in_float32_alone_is_refused_in_others(group: str) -> None:
    from contenders.fastlstm import prepare

    with pytest.raises(UnsupportedError, match="timed in float32"):
        prepare(make_task(shrink(GROUPS[group][0]), "bfloat16"), 1)


def test_contenders_take_part_in_the_precisions_they_have() -> None:
    labels = [entrant.label for entrant in run._entrants("numpy,torch,onnxruntime", "", False, "all")]
    ours = [in_precision("fastlstm", precision) for precision in PRECISIONS]
    assert ours == ["fastlstm", "fastlstm bfloat16", "fastlstm int8"]
    assert {*labels} == {*ours, "numpy", "torch", "torch bfloat16", "torch int8", "onnxruntime", "onnxruntime int8"}
    assert [entrant.label for entrant in run._entrants("none", "", True)] == ["fastlstm", "fastlstm@padded"]
    with pytest.raises(SystemExit, match="--precisions must be from float32, bfloat16, int8, got half"):
        run._entrants("none", "", False, "half")


def test_every_cell_is_promised_streamed_ragged_and_bidirectional() -> None:
    for group in ("promised", "streaming", "lengths", "bidirectional"):
        assert {"lstm", "gru", "rnn_tanh"} <= {workload.case.cell for workload in GROUPS[group]}, group
    ragged = [(workload.mode, workload.case.cell, workload.case.T) for workload in GROUPS["lengths"]]
    cells, lengths = ("lstm", "gru", "rnn_tanh"), (10, 100, 1000)
    assert {(mode, cell, T) for mode in ("forward", "train") for cell in cells for T in lengths} <= {*ragged}
    assert {("fit_step", cell) for cell in cells} <= {(w.mode, w.case.cell) for w in GROUPS["fitting"]}


def test_gates_are_reordered() -> None:
    stacked = np.array([[0], [1], [2], [3]])  # i, f, g, o
    assert reorder_gates(stacked, "iofg").ravel().tolist() == [0, 3, 1, 2]
    assert reorder_gates(stacked[:3].T, "urn", 1).ravel().tolist() == [1, 0, 2]  # r, u, n


# --- Processes --------------------------------------------------------------------------------------------------------


def processor_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[list[Process]]:
    entrants = [Entrant(name, name) for name in ("fastlstm", "numpy")]
    core = min(os.sched_getaffinity(0))
    with (tmp_path / "log").open("wb") as log, run.running(entrants, [core], log) as started:
        yield started


@pytest.mark.slow
def test_processes_take_turns_and_survive_a_death(processes: list[Process], workload: Workload) -> None:
    first, second = processes
    before = processor_ticks(second.process.pid)
    for _ in range(20):
        first.ask("versions")
    assert processor_ticks(second.process.pid) == before  # it is stopped while another has its turn
    second.process.kill()
    second.process.wait()
    records = run.measure(processes, workload, rounds=2, seconds=0.0)
    assert [record.status for record in records] == ["timed", "timed"]
    assert all(len(record.samples) == 2 for record in records)


@pytest.mark.slow
def test_the_command_line_from_run_to_page(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    quick = ["--small", "--threads", "1", "--rounds", "1", "--seconds", "0"]
    chosen = ["--groups", "promised,lengths", "--rivals", "numpy"]
    command = [sys.executable, ROOT / "bench" / "run.py", *quick, *chosen, "--out", out]
    subprocess.run(command, check=True, capture_output=True)
    page = report.page(report.read(out), [])
    assert "forward/rnn_tanh" in page
    assert "## Rows of different lengths" in page


@pytest.mark.slow
def test_precisions_are_run_and_reported(tmp_path: Path) -> None:
    out = tmp_path / "precisions.json"
    options = ["--groups", "precisions", "--precisions", "all", "--rivals", "none", "--threads", "1", "--out", out]
    run_script("run.py", *options)
    section = precisions.section(json.loads(out.read_text()))
    assert "| fastlstm int8 |" in section
    assert "products bfloat16: bfloat16" in section


# --- The report -------------------------------------------------------------------------------------------------------


def record(label: str, *rounds: float, status: str = "timed", why: str = "") -> dict[str, Any]:
    fields = {"label": label, "status": status, "why": why, "variant": "", "error": 0.0}
    if status != "timed":
        return fields
    median = float(np.median(rounds))
    return {**fields, "median": median, "lower": median, "upper": median, "rounds": list(rounds)}


def lines_of(found: dict[str, Any]) -> list[results.Line]:
    return list(results.read_lines(found))


def results_with(*contenders: list[dict[str, Any]]) -> dict[str, Any]:
    bounds = bench.Bounds(1e11, {2**12: 1e11, 2**20: 5e10}).to_json()
    entries = [
        {"name": workload.name, "group": group, "workload": workload.to_json(), "contenders": records}
        for (group, workload), records in zip(all_workloads(["promised"]), contenders, strict=False)
    ]
    part = {"threads": 1, "cores": [0], "versions": {}, "bounds": {"fastlstm": bounds}, "results": entries}
    return {"command": "run.py", "machine": {"commit": "abc", "caches": {"L1": 2**15}}, "runs": [part]}


def test_report_puts_lost_cases_first() -> None:
    found = results_with(
        [record("fastlstm", 1e-3, 1e-3), record("torch", 2e-3, 2e-3)],
        [record("fastlstm", 1e-3, 1e-3), record("torch", 9e-4, 9e-4), record("jax", 3e-3, 3e-3)],
        [record("fastlstm", 1e-3, 1e-3), record("torch", 5e-4, 5e-4)],
    )
    explanations = [{"case": "gru", "rival": "torch", "why": "Because."}]
    lines = lines_of(found)
    assert [line.name for line in report.lost(lines)] == [lines[2].name, lines[1].name]
    page = report.page({"cases": found}, explanations)
    section, everything = page.split("## All cases")
    assert "2 of 3 cases" in section
    assert section.index(lines[2].name) < section.index(lines[1].name)
    assert lines[0].name not in section
    assert "Because." in section
    assert report.UNEXPLAINED in section
    assert lines[0].name in everything


def test_ratio_is_taken_turn_by_turn() -> None:
    """A machine that halves its speed in the middle changes times, not ratios."""
    found = results_with([record("fastlstm", 1e-3, 2e-3, 2e-3), record("torch", 1.5e-3, 3e-3, 3e-3)])
    (line,) = lines_of(found)
    assert line.best_ratio == pytest.approx(1.5)


def test_instruction_sets_of_ours_are_no_rivals() -> None:
    (line,) = lines_of(results_with([record("fastlstm", 2e-3), record("fastlstm@avx2", 1e-3)]))
    assert line.best_rival is None


def test_report_names_who_was_refused() -> None:
    found = results_with([record("fastlstm", 1e-3), record("torch", status="wrong", why="y is off by 1e+00")])
    assert "y is off by 1e+00" in report.page({"cases": found}, [])
    assert "Where fastlstm is not the fastest\n\n0 of 0" in report.page({"cases": found}, [])


def test_report_holds_lengths_against_padding() -> None:
    bounds = bench.Bounds(1e11, {2**12: 1e11}).to_json()
    ragged = all_workloads(["lengths"])[:2]
    records = [[record("fastlstm", 1e-3), record("fastlstm@padded", padded)] for padded in (2e-3, 1.25e-3)]
    entries = [
        {"name": workload.name, "group": group, "workload": workload.to_json(), "contenders": both}
        for (group, workload), both in zip(ragged, records, strict=True)
    ]
    found = results_with()
    found["runs"][0] |= {"bounds": {"fastlstm": bounds}, "results": entries}
    section = report.lengths_section(lines_of(found))
    assert "1 of 2 cases are over the target of 0.65" in section
    assert "| 0.50 |" in section
    assert "| 0.80 **over** |" in section
    assert report.lengths_section(lines_of(results_with())) == ""
    assert "Where fastlstm is not the fastest\n\n0 of 0" in report.page({"cases": found}, [])  # padded is no rival


def test_who_could_do_nothing_in_a_group_has_no_column() -> None:
    found = results_with([record("fastlstm", 1e-3), record("numpy", status="unsupported"), record("jax", 2e-3)])
    table = report.case_table(lines_of(found))
    assert "numpy" not in table
    assert "jax" in table


def reduced_results() -> dict[str, Any]:
    found = results_with(
        [
            *(
                record("fastlstm" + name, seconds)
                for name, seconds in (("", 4e-3), (" bfloat16", 2e-3), (" int8", 1e-3))
            ),
            *(record("torch" + name, seconds) for name, seconds in (("", 8e-3), (" bfloat16", 3e-3), (" int8", 2e-3))),
            record("openvino", 5e-3),
            record("openvino bfloat16", 1.5e-3),
            record("numpy", 1e-4),
        ]
    )
    found["runs"][0]["versions"] = {"fastlstm": {"products int8": "one by one"}}
    return found


def test_reduced_precisions_are_held_against_peers_in_theirs() -> None:
    section = precisions.section(reduced_results())
    (row,) = [line for line in section.splitlines() if line.startswith("| `forward") and "torch" in line]
    cells = [cell.strip() for cell in row.split("|")][2:-1]
    assert cells == ["1", "4 ms", "2 ms", "1 ms", "5 ms openvino", "1.5 ms openvino", "2 ms torch", "0.75", "1.50"]
    assert "- products int8: one by one" in section


def test_reduced_precisions_are_no_rivals_of_float32() -> None:
    (line,) = lines_of(reduced_results())
    assert {*line.ratios} == {"torch", "openvino", "numpy"}
    page = report.page({"cases": results_with(), "precisions": reduced_results()}, [])
    assert page.splitlines()[2] == "Every figure is of float32, of every library, unless it says bfloat16 or int8."
    assert "## Reduced precision" in page
    assert "### promised, 1 thread" in page


def test_explanations_are_well_formed() -> None:
    for entry in json.loads(report.EXPLANATIONS.read_text()):
        assert entry.keys() <= {"case", "rival", "threads", "why"}
        assert entry["why"]


def test_numpy_is_a_rival_and_no_peer() -> None:
    (line,) = lines_of(results_with([record("fastlstm", 1e-3), record("numpy", 2e-3), record("torch", 3e-3)]))
    assert line.best_rival == "numpy"
    assert line.best_ratio == pytest.approx(2)
    assert line.peer_ratio == pytest.approx(3)
    assert "it is the best in 1 of 1 cases" in report.overview_section([line])
    (line,) = lines_of(results_with([record("fastlstm", 1e-3), record("numpy", 9e-4), record("torch", 3e-3)]))
    assert "Against the peers alone fastlstm is the fastest in 1 of 1." in report.overview_section([line])


def test_overview_counts_by_kind_and_by_rival() -> None:
    found = results_with(
        [record("fastlstm", 1e-3), record("torch", 2e-3), record("jax", 4e-3)],
        [record("fastlstm", 1e-3), record("torch", 5e-4)],
        [record("fastlstm", 1e-3), record("torch", 3e-3)],
    )
    section = report.overview_section(lines_of(found))
    assert "| sequences, 1 row | 1 | 2 | 2 | 2.00 | 2.50 | 3.00 |" in section
    assert "| sequences, several rows | 1 | 1 | 0 | 0.50 | 0.50 | 0.50 |" in section
    assert "| torch | 1 | 3 | 2 | 0.50 | 2.00 | 3.00 |" in section
    assert "| jax | 1 | 1 | 1 | 4.00 | 4.00 | 4.00 |" in section


def test_bounds_that_a_case_beats_are_doubted() -> None:
    slow, fast = (lines_of(results_with([record("fastlstm", t), record("torch", 1e-3)])) for t in (1e-3, 1e-9))
    assert "took less time" not in report.overview_section(slow)
    assert "**1 cases took less time than the bound allows.**" in report.overview_section(fast)


def test_instruction_sets_are_held_against_the_best() -> None:
    records = [record("fastlstm", 1e-3), record("fastlstm@avx2", 2e-3), record("fastlstm@padded", 3e-3)]
    found = results_with(records)
    section = report.instruction_sets_section(lines_of(found))
    assert "| case | threads | best | avx2 |" in section
    assert "| 1 ms | 2.00 |" in section
    assert report.instruction_sets_section(lines_of(results_with([record("fastlstm", 1e-3)]))) == ""


def test_parts_that_were_not_measured_are_left_out(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"must hold cases\.json"):
        report.read(tmp_path)
    (tmp_path / "cases.json").write_text(json.dumps(results_with([record("fastlstm", 1e-3)])))
    assert "## A whole fit" not in report.page(report.read(tmp_path), [])
    times = {"status": "timed", "first": 2.0, "again": 1.0, "last_loss": 0.5}
    part = {"net": "tiny", "threads": 1, "found": {"fastlstm": times, "keras": {**times, "first": 6.0}}}
    (tmp_path / "fit.json").write_text(json.dumps({"runs": [part]}))
    assert "| tiny | 1 | keras | 6 s | 3.0 | 1 s | 1.0 | 0.5000 |" in report.page(report.read(tmp_path), [])


# --- Whole fits, footprint, regressions -------------------------------------------------------------------------------


def test_a_fit_that_goes_elsewhere_is_not_timed() -> None:
    def runs(loss: float) -> list[dict[str, Any]]:
        return [{"first": 1.0, "again": 1.0, "losses": [loss, 0.1]}]

    both = {"fastlstm": runs(2.0), "keras": runs(2.0 + 3 * fit.TOLERANCE)}
    assert fit._summary("fastlstm", both, {})["status"] == "timed"
    assert fit._summary("keras", both, {})["status"] == "wrong"
    assert fit._summary("keras", {**both, "keras": runs(float("nan"))}, {})["status"] == "wrong"


def test_the_demo_fits_from_the_same_weights(tmp_path: Path) -> None:
    net = fit.Net("tiny", 16, 1, False)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.standard_normal((40, 5, 8)).astype("f4"), y=np.eye(10, dtype="f4")[[3] * 40])
    found = [fit.fit_twice(net, fit.LIBRARIES["fastlstm"], tmp_path / "data.npz", 1) for _ in range(2)]
    assert found[0]["losses"] == found[1]["losses"]
    assert len(found[0]["losses"]) == 1


def test_footprint_finds_a_package_that_runs_from_its_sources() -> None:
    assert footprint._folder_bytes("fastlstm") > 1e5
    assert footprint._folder_bytes("no_such_package") is None


def test_commits_are_compared_turn_by_turn_the_worst_first() -> None:
    found = results_with(
        [record("base", 1e-3, 2e-3, 2e-3), record("head", 9e-4, 1.8e-3, 1.8e-3)],
        [record("base", 1e-3), record("head", 1.5e-3)],
        [record("base", status="failed", why="no such layer"), record("head", 1e-3)],
    )
    rows = regression.compare(found)
    assert [round(row[-1], 6) for row in rows] == [1.5, 0.9]
    (missing,) = regression.unmatched(found)
    assert missing.endswith("base failed: no such layer")


def whole_commands(small: bool = False, cores: int = 2) -> list[tuple[Path, list[str]]]:
    return whole.commands(Path("results"), Path("page.md"), small, cores)


def test_the_whole_suite_leaves_what_the_page_reads() -> None:
    left = [path.stem for path, _ in whole_commands()]
    assert {*report.PARTS} == {*left}
    assert "threads" not in [path.stem for path, _ in whole_commands(cores=1)]
    assert all(Path(command[0]).exists() for _, command in whole_commands(small=True))


# --- Clock ------------------------------------------------------------------------------------------------------------


def test_a_long_call_is_its_own_sample_and_short_ones_are_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = 0.0, 0

    def call(duration: float) -> None:
        nonlocal now, calls
        now, calls = now + duration, calls + 1

    monkeypatch.setattr(clock, "perf_counter", lambda: now)
    assert clock.sample(lambda: call(2.0), 1.0) == [2.0]
    assert calls == 1
    cold_then_warm = iter([0.6, 0.5])
    assert clock.sample(lambda: call(next(cold_then_warm)), 0.05) == pytest.approx([0.5])
    calls = 1
    samples = clock.sample(lambda: call(1e-5), 1e-3)
    assert samples == pytest.approx([1e-5] * 5)
    assert calls == 1 + 2 + 20 * 5  # 20 calls fill the shortest sample


# --- Sweeps -----------------------------------------------------------------------------------------------------------


def points_of(**microseconds_a_unit: float) -> list[sweep.Point]:
    sizes = {int(name[1:]): cost for name, cost in microseconds_a_unit.items()}
    return [sweep.Point(Case("lstm", 20, 1, H, H), H, cost * H * 1e-6) for H, cost in sizes.items()]


def test_cliffs_are_dearer_than_both_neighbours() -> None:
    points = points_of(H1=9, H3=9, H16=1, H17=1.9, H20=1.2, H31=1.7, H32=1.4, H33=9)
    assert [(point.size, round(ratio, 2)) for point, ratio in sweep.cliffs(points, 16)] == [(17, 1.36)]
    assert "a unit and row: 17" in sweep.describe(points, 16)


def test_sweeps_cover_small_sizes_and_the_neighbours_of_multiples() -> None:
    sizes = sweep.hidden_sizes()
    assert {*range(1, 41), 63, 64, 65, 255, 256, 257, 320} <= {*sizes}
    assert sizes == sorted({*sizes})
    assert [name for name, *_ in sweep.sweeps()] == ["sweep_h", "sweep_h", "sweep_n"]
    assert all(case.I == case.H for _, _, sizes in sweep.sweeps() for _, case in sizes)


def test_every_instruction_set_has_a_packet(isa: str) -> None:
    assert sweep.packet_width(isa) in (4, 8, 16)


def run_script(name: str, *options: object) -> str:
    command = [sys.executable, ROOT / "bench" / name, "--small", "--rounds", "1", "--seconds", "0", *options]
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_sweep_runs_and_draws(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    printed = run_script("sweep.py", "--pictures", tmp_path / "pictures", "--out", tmp_path / "sweeps.json")
    assert printed.count("ps a multiply-add") == 3
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"sweep_h.png", "sweep_n.png"}
    assert "- over N, H = 128: " in sweep.section(json.loads((tmp_path / "sweeps.json").read_text()), [])


def speed_up(*sizes: int, median: float, best: float) -> thread_bench.Result:
    return thread_bench.Result(Workload("forward", Case("lstm", *sizes)), 1e-3, 1e-3 / median, median, best)


def test_threads_that_slow_a_case_down_are_named() -> None:
    found = [
        speed_up(1, 1, 1, 1, median=0.98, best=0.98),
        speed_up(1, 1, 1, 2, median=0.5, best=1.1),
        speed_up(1, 1, 1, 3, median=0.4, best=0.9),
    ]
    summary, _, second, third, *_ = thread_bench.describe(found, 2).splitlines()
    assert summary.startswith("2 of 3 are slower")
    assert second == f"- `{found[1].workload.name}`"
    assert third == f"- `{found[2].workload.name}` (even in its best turn)"


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="threads are compared on two processors")
def test_threads_are_compared(tmp_path: Path) -> None:
    assert "are slower than on one thread" in run_script("threads.py", "--out", tmp_path / "threads.json")
    assert "## What threads are worth" in thread_bench.section(json.loads((tmp_path / "threads.json").read_text()))


# --- The packaged selection -------------------------------------------------------------------------------------------


def test_bound_of_a_large_batch_is_multiply_add_and_of_one_row_is_reading() -> None:
    bounds = bench.Bounds(1e11, {2**10: 1e11, 2**30: 1e11})
    many = bench.Work("step", 4, 10, 128, 128, 10 * 256)
    one = bench.Work("step", 4, 10, 128, 128, 10)
    assert bounds.seconds(many) == pytest.approx(many.flops / 1e11)
    assert bounds.seconds(one) == pytest.approx(one.bytes_read / 1e11)
    assert bounds.seconds(many, threads=2) == pytest.approx(bounds.seconds(many) / 2)


def test_the_higher_rate_of_two_moments_is_the_bound() -> None:
    slow, fast = bench.Bounds(1e10, {4096: 3e11, 8192: 1e11}), bench.Bounds(2e11, {4096: 2e11, 8192: 2e11})
    higher = run.higher(json.loads(json.dumps(slow.to_json())), fast.to_json())
    assert bench.Bounds.from_json(higher) == bench.Bounds(2e11, {4096: 3e11, 8192: 2e11})


def test_bound_of_training_counts_the_products_once() -> None:
    bounds = bench.Bounds(1e11, {2**10: 1e15})
    work = bench.Work("train", 4, 50, 32, 128, 50 * 32)
    assert bounds.seconds(work) == pytest.approx(work.flops / 1e11)


def test_read_rates_lie_between_the_measured_ones() -> None:
    bounds = bench.Bounds(1e11, {2**10: 4.0, 2**12: 2.0})
    assert [bounds.read_rate(2**k) for k in (5, 10, 11, 12, 20)] == [4.0, 4.0, 3.0, 2.0, 2.0]
    assert bench.Bounds.from_json(json.loads(json.dumps(bounds.to_json()))) == bounds


@pytest.fixture
def quick_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [
        bench.Case(mode, cell, 3, 2, 5, 7)
        for mode in ("step", "forward", "train")
        for cell in ("lstm", "gru", "rnn_tanh")
    ]
    monkeypatch.setattr(bench, "CASES", cases)
    monkeypatch.setattr(bench, "BLOCKS", (2**12, 2**20))


@pytest.mark.usefixtures("quick_bench")
def test_packaged_bench_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--seconds", "0.01"]) == 0
    printed = capsys.readouterr().out
    assert all(case.name in printed for case in bench.CASES)
    assert "GFLOP/s" in printed


@pytest.mark.usefixtures("quick_bench")
def test_packaged_bench_does_not_time_what_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench._Problem, "error", lambda self: float("nan"))
    monkeypatch.setattr(bench, "sample", lambda call, seconds: pytest.fail("timed"))
    assert bench.main(["--seconds", "0.01"]) == 1
    assert "wrong by nan" in capsys.readouterr().out


def test_packaged_bench_selects_and_complains(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--list", "--select", "train/lstm"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert bench.main(["--select", "nothing"]) == 2
    assert "no case matches" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        bench.main(["--seconds", "0"])
    assert "--seconds must be positive" in capsys.readouterr().err
