"""`ief table2`: five methods in 3D, with and without the second dataset, under one budget, then the report."""

from pathlib import Path

from ief.commands.options import ANGLE_LIMITS, COMPARISON, FOLDER, Namespace, argument, print_files, read_run, refuse

EXAMPLE = """ief table2 --data data/h36m --also data/mpii --run runs/table2 --preset paper3d
         on a machine lent for ten minutes at a time: add --stop-after 9, and repeat until the status is 0"""
ARGUMENTS = (*COMPARISON, argument("--images", FOLDER, "folder of --data's images, for Figure 3"), ANGLE_LIMITS)


def run(args: Namespace) -> None:
    """Train ten runs with the same seed, weights and budget of epochs; what is done is skipped."""
    config, machine = read_run(args)
    refuse({"give --also, the second dataset, without depth: half of the runs train on it, too": not config.also})
    from evaluation import load_angle_limits
    from ief.reporting.report import open_loader
    from ief.workflow.compare import compare_runs, table_2
    from mpii_tools.prepared.read import load_prepared, read_description

    flat = load_prepared(config.data, "valid").people.depth is None
    refuse({f"{config.data}: its validation people have no depth; `ief table7` compares methods in 2D": flat})
    pages = compare_runs(
        table_2(config),
        args.run,
        f"Five methods in 3D, with {read_description(config.also)['name']} and without",
        minutes=args.minutes,
        load_image=open_loader(args.images, Path(config.data)) if args.images else None,
        angle_limits=load_angle_limits(args.angle_limits) if args.angle_limits else None,
        **machine,
    )
    print_files(pages)
