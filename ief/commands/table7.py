"""`ief table7`: five methods, or the runs of a plan, under one budget, then the report."""

import argparse

from checkpoints.errors import PoseError
from ief.commands.options import COMPARISON, FILE, INTEGER, argument, print_files, read_run_config, read_runtime
from ief.training.options import change_config

EXAMPLE = """ief table7 --data data/mpii --run runs/table7 --preset best --epochs 20
drawn people, three seeds: ief table7 --draw 1600 1500 --run runs/drawn --preset demo --weights none --seeds 0 1 2
on a machine lent for ten minutes at a time: add --minutes 60 --stop-after 9, and repeat until the status is 0
other runs: ief table7 --plan plan.json ..., which holds {"l1": {}, "rle": {"loss": "rle"}, "one": {"stages": 1}}"""
SEEDS = """train all of it by each of these seeds, to RUN/seedN, and compare the means in RUN/results.md, with
    confidence intervals over people and over seeds (default: once, by --seed, to RUN)"""
PLAN = """runs to compare instead of the five methods: a JSON object, the name of each -> the options that it changes,
    such as {"third": {"stages": 3}} (default: without)"""
ARGUMENTS = (
    *COMPARISON,
    argument("--seeds", INTEGER, SEEDS, nargs="+"),
    argument("--draw", INTEGER, "images to draw in RUN, instead of --data", nargs=2, metavar=("TRAIN", "VALID")),
    argument("--plan", FILE, PLAN),
)


def run(args: argparse.Namespace) -> None:
    """Train every run, by each seed, with the same order, weights and budget; what is done is skipped."""
    seeds = args.seeds or ()
    for wrong, what in (
        (args.plan and args.minutes, "--minutes times one run for all and replaces a plan's epochs; give --epochs"),
        (seeds and args.seed is not None, "give either --seed or --seeds"),
        (len(set(seeds)) < len(seeds), f"--seeds {' '.join(map(str, seeds))}: each once"),
        (args.draw and args.data is not None, "give either --data or --draw"),
    ):
        if wrong:
            raise PoseError(what)
    if args.draw:
        from ief.training.runtime import check_launch

        if check_launch() > 1:
            raise PoseError("--draw: works in one process alone; then give torchrun the --data that it drew")
        args.data = str(args.run / "data")
    config = read_run_config(args)
    for seed in seeds:
        change_config(config, seed=seed)  # a wrong one is told before anything is drawn
    from ief.workflow.compare import compare_runs, read_plan, table_7

    configs = read_plan(args.plan, config) if args.plan else table_7(config)
    if args.draw:
        from ief.workflow.demo import prepare_drawn
        from mpii_tools.synthetic.dataset import write_synthetic

        drawn = write_synthetic(args.run / "people", *args.draw)
        prepare_drawn(drawn, args.run / "data", "drawn people", config.options)
    title = f"{len(configs)} runs" if args.plan else f"Five methods, {config.stages} stages"
    pages = compare_runs(configs, args.run, title, seeds=seeds, minutes=args.minutes, **read_runtime(args))
    print_files(pages)
