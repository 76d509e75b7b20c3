"""Citations of the paper: each is of the equation, section, table or figure that its sentence speaks of."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("checkpoints", "heads", "mpii_tools", "evaluation", "ief", "tests")

# What is cited -> words of which its sentence has one (a regular expression), and what the paper says there.
EQUATIONS = {
    1: (r"normaliz|mean|[Ss]tatistics|residuals|has to correct|^N ", "it is normalized as"),
    2: (r"inverse|\* std \+ mean|mean and standard deviation", "The inverse function for unnormalization is"),
    3: (r"joint (and the bone )?loss|`joints`|L\(J\)", "the joint loss is"),
    4: (r"J_parent\(k\) - J_k|joints to bones|Bones <-> joints|its parent", "vector pointing from it to its parent"),
    5: (r"bone loss", "minimizing the bone loss function"),
    6: (r"[Rr]elative (joint )?positions|[Ss]ign|terms of|wrong bone", "relative joint position"),
    7: (r"[Rr]elative (joint )?positions|[Ss]ign", "The ground truth relative position is"),
    8: (r"compositional loss|[Ss]um\b|`bones`|by pair|L\(B, P_", "the compositional loss function is defined as"),
    9: (r"mask|coordinate|x(y| and y)|depth|dimensions", "are decomposed into xy part and z part"),
}
SECTIONS = {
    "1": (r"regression based", "1. Introduction"),
    "3": (r"normaliz|heads|Eq\. 9", "3. Compositional Pose Regression"),
    "3.1": (r"joint loss|baseline|L1", "3.1. Direct Joint Regression: A Baseline"),
    "3.2": (r"J_parent\(k\) - J_k|stab|represent", "3.2. A Bone Based Representation"),
    "3.3": (r"[Pp]air sets|P_\w+|relative (joint )?positions", "3.3. Compositional Loss Function"),
    "4": (r"depth|half of each|\b2D\b|schedule|epochs|defaults|degrees|layer|dimensions", "4. Unified 2D and 3D Pose"),
    "5": (r"benchmark", "5. Experiments\n"),
    "5.1": (r"metrics|(Bone|Joint) Error|rigid", "5.1. Comprehensive Evaluation Metrics"),
    "5.2": (r"[Pp]rotocol|Human3\.6M", "5.2. Experiments on 3D Pose of Human3.6M"),
    "5.3": (r"[Ss]tage|cascade|IEF", "5.3. Experiments on 2D Pose of MPII"),
}
PARAGRAPHS = {
    "3.2": ("Stability", "Geometric convenience", "Application convenience"),
    "4": ("Training", "Data Processing and Augmentation"),
    "5.2": ("Protocol 1", "Protocol 2", "Ablation study"),
    "5.3": ("Ablation study", "Comparison with the state-of-the-art"),
}
# Words that tell which of them is meant -> what its caption says. Most citations of these have none, which is no fault.
ACTIONS = r"by action"
TABLES = {
    1: (r"[Tt]he five methods", "The baseline and four variants of our method"),
    2: (r"[Ss]econd dataset gives|[Mm]etrics in 3D", "Results of all methods under all evaluation metrics"),
    3: (r"by (kind of )?joint\b(?! group)", "Detailed results on all joints"),
    4: (ACTIONS, "Protocol 1 is used. Evaluation metric is averaged PA Joint Error"),
    5: (ACTIONS, "Protocol 2 is used. Evaluation metric is averaged Joint Error. Extra 2D training data is used"),
    6: (ACTIONS, "Protocol 2 is used. Evaluation metric is averaged Joint Error. No extra training data is used"),
    7: (r"in image pixels|of every stage", "in the two-stage IEF*"),
    8: (r"joint group|(detection|regression) based", "Comparison to state-of-the-art works on MPII"),
}
FIGURES = {
    1: (r"[Ss]tandard deviation|joints against bones|skeleton tree", "represented as either joints J or bones B"),
    2: (r"along (a|the) sequence", "Errors of wrist joint/bone of Baseline and Ours (all)"),
    3: (r"side view|from the side", "Examples of 3D pose estimation for Human3.6M"),
}
SUBJECTS = {"Eq": EQUATIONS, "Section": SECTIONS, "Table": TABLES, "Fig": FIGURES}

NUMBER = r"\d+(?:\.\d)?\b(?! ?%)(?: \(\w+\))?"
AND = r"(?:(?:, and|,| and| or| to)\s+|-|\N{EN DASH})"
CITATION = re.compile(rf"\b(Eq|Section|Table|Fig)(?:uation|ure)?s?\.?\s+({NUMBER}(?:{AND}{NUMBER})*)")
SENTENCE_END = re.compile(r'(?<!\bEq)(?<!\bFig)(?<!\bal)\.\s|\n\s*\n|"""|\n\s*[|*] ')
OTHER_PAPERS = re.compile(r"\bLi et al\.|Ionescu et al\.|HRNet paper|CVPR 2019")
NAMED = re.compile(r'Section (\d(?:\.\d)?), "([\w -]+)"(?: and "([\w -]+)")?')


def numbers(text):
    """The numbers of "1", "3, 5 and 8", "5 to 7"."""
    text = re.sub(r" \(\w+\)", "", text)
    if span := re.fullmatch(r"(\d+)(?:\s+to\s+|-|\N{EN DASH})(\d+)", text):
        return [str(number) for number in range(int(span[1]), int(span[2]) + 1)]
    return re.findall(r"\d+(?:\.\d)?", text)


def citing(text, found):
    """The sentence around a citation, of three lines at most before it and after it."""
    before, after = SENTENCE_END.split(text[: found.start()])[-1], SENTENCE_END.split(text[found.end() :])[0]
    lines = "\n".join(before.split("\n")[-3:]) + found[0] + "\n".join(after.split("\n")[:3])
    return " ".join(lines.replace("#", " ").split())


def fits(kind, number, sentence):
    """Whether the words of a sentence allow it to cite `number`, or another of the same kind beside it."""
    words = {str(key): pattern for key, (pattern, _) in SUBJECTS[kind].items()}
    if kind in ("Eq", "Section"):
        return number in words and re.search(words[number], sentence)
    cited = {words.get(n) for found in CITATION.finditer(sentence) if found[1] == kind for n in numbers(found[2])}
    return number in words and cited >= {pattern for pattern in words.values() if re.search(pattern, sentence)}


def wrong(text):
    """The citations of `text` whose sentence speaks of something else."""
    for found in CITATION.finditer(text):
        sentence = citing(text, found)
        if not OTHER_PAPERS.search(sentence):
            faults = (number for number in numbers(found[2]) if not fits(found[1], number, sentence))
            yield from (f"{found[1]} {number}: {sentence}" for number in faults)
    for section, *names in NAMED.findall(text):
        for name in filter(None, names):
            if not any(paragraph.startswith(name) for paragraph in PARAGRAPHS.get(section, ())):
                yield f'Section {section} has no paragraph "{name}"'


def test_citations_speak_of_what_they_cite():
    files = [ROOT / "README.md", *(path for package in PACKAGES for path in (ROOT / package).rglob("*.[pm][yd]"))]
    texts = {path: path.read_text(encoding="utf-8") for path in files if path != Path(__file__).resolve()}
    faults = [f"{path.relative_to(ROOT)}: {fault}" for path, text in texts.items() for fault in wrong(text)]
    assert not faults, "\n".join(faults)
    assert sum(len(CITATION.findall(text)) for text in texts.values()) > 150


@pytest.mark.parametrize(("text", "count"), [
    ("the compositional layer (Eq. 5 of the paper)", 1),
    ("relative positions as a linear map of the bones (Eq. 5 to 7)", 1),
    ("The number of bones on the path. They are the terms of Eq. 5: the ancestors of one end.", 1),
    ("the compositional loss (Eq. 6, 8)", 1),
    ("the compositional loss (Eq. 10)", 1),
    ("the compositional loss and relative positions (Eq. 5-8)", 1),
    ("the pair sets P_joint, P_all (Section 3.2 of the paper)", 1),
    ('the schedule (Section 5, "Training")', 2),
    ('the schedule (Section 4, "Protocol 1")', 1),
    ("uniform draws (Section 5 of the paper: +-2 %, +-30 degrees)", 1),
    ("| the linear layer on the ResNet | Section 5 |", 1),
    ("the limits of what is said (Section 7)", 1),
    ("errors by action as in Table 7", 1),
    ("how far the left and right differ (Figure 4)", 1),
    ("a flow (Eq. 8 and 9 of Li et al.)", 0),
    ("the bone loss (Eq. 5), relative positions (Eq. 6, 7), the compositional loss (Eq. 8)", 0),
    ("Tables 7 and 8, 95 % confidence intervals of the PCKh of every stage", 0),
])  # fmt: skip
def test_wrong_citations_are_found(text, count):
    assert len(list(wrong(text))) == count


@pytest.fixture(scope="module")
def paper(shared):
    return (shared / "paper" / "paper.txt").read_text(encoding="utf-8").replace("-\n", "")


@pytest.mark.parametrize("number", EQUATIONS)
def test_equations_are_where_the_paper_has_them(paper, number):
    """The phrase stands between the label of the equation before, such as "(4)", and its own."""
    text = " ".join(paper.split())
    ends = [re.search(rf"(?<!Eq\.)(?<!Eq\. )\({label}\)", text).end() for label in EQUATIONS]
    assert EQUATIONS[number][1] in text[[0, *ends][number - 1] : ends[number - 1]]


@pytest.mark.parametrize("number", SECTIONS)
def test_sections_have_the_papers_titles_and_paragraphs(paper, number):
    _, _, body = paper.partition(f"\n{SECTIONS[number][1]}")
    body = re.split(r"\n\d\.(?:\d\.)? [A-Z]", body)[0]
    assert body and all(f"\n{name}" in body for name in PARAGRAPHS.get(number, ()))


@pytest.mark.parametrize("kind, number", [("Table", n) for n in TABLES] + [("Figure", n) for n in FIGURES])
def test_tables_and_figures_have_the_papers_captions(paper, kind, number):
    subjects = TABLES if kind == "Table" else FIGURES
    captions = re.findall(rf"{kind} {number}\. (.{{200}})", " ".join(paper.split()))
    assert any(subjects[number][1] in caption for caption in captions)
