"""`ief table7`: five methods, or the runs of a plan, under one budget, then the report."""

from ief.commands.options import COMPARISON, FILE, INTEGER, Namespace, argument, print_files, read_run, refuse
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


def run(args: Namespace) -> None:
    """Train every run, by each seed, with the same order, weights and budget; what is done is skipped."""
    seeds = args.seeds or ()
    refuse({
        "--minutes times one run for all and replaces a plan's epochs; give --epochs": args.plan and args.minutes,
        "give either --seed or --seeds": seeds and args.seed is not None,
        f"--seeds {' '.join(map(str, seeds))}: each once": len(set(seeds)) < len(seeds),
        "give either --data or --draw": args.draw and args.data is not None,
    })  # fmt: skip
    if args.draw:
        from ief.training.runtime import check_launch

        refuse({"--draw: works in one process alone; then give torchrun the --data that it drew": check_launch() > 1})
        args.data = str(args.run / "data")
    config, machine = read_run(args)
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
    print_files(compare_runs(configs, args.run, title, seeds=seeds, minutes=args.minutes, **machine))
