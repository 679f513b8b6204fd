"""What words mean in a notebook's outputs and names, in any language, and what a line of numbers says.

This is the only vocabulary: text is brought to one form first (`normalised`), then each word that
matters is replaced by its English meaning, so that everything else handles a few English words.
"""

import ast
import functools
import re
import unicodedata

# What a word stands for, by patterns on normalised text; at one place the first that fits counts.
MEANINGS = {
    # No meaning: "Top-1 accuracy" is the accuracy, "improved to" states a value.
    "": r"\btop\W{0,3}1\b|acc ?@ ?1\b|(?:提[升高]|上升|增[加长]|改善|\b(?:improved|increased|rose))"
    r" ?了? ?(?:[到至为]|to\b)",
    "measure": r"[误错][^\s\d,;:]{0,6}率|误差|誤差|错误|精确率|召回率|查[准全]率|用时|耗时|时间|学习率"
    r"|\b(?:recall|f1|auc|errors?|err|wrong|mse|mae|kappa|time|seconds|lr|learning rate)\b"
    r"|(?:acc|accuracy) ?@ ?\d",
    "accuracy": r"准确[率度性]|正确[率度]|精确度|精度|识别率|準確[率度]|正確率|正解率|認識率|정확도"
    r"|acur[aá]cia|akurasi|exactitude?|genauigkeit|accuratezza|точность|doğru(?:luk|luğu)"
    r"|độ chính xác|доля (?:правильных|верных) ответов|correct rate|\baccs?\b|\baccuracies\b",
    "loss": r"损失|損失|потер[ьи]|손실|perda|\b(?:losses|costs?)\b",
    "test": r"测试|測試|テスト|테스트|тестов\w{0,9}|prueba"
    r"|\b(?:[xy]?test(?:ing|ed|s|e|es)?|[xy]?tst|t10k)\b",
    "validation": r"验证|驗證|检验|検証|검증|проверочн\w{0,9}|valida[cç][aã]o|\b[xy]?(?:val|valid|dev)\b",
    "train": r"训练|訓練|学習|훈련|обучающ\w{0,9}|treino|\b[xy]?(?:train(?:ing|ed)?)\b",
    "evaluation": r"评估|\beval(?:uat\w{0,4})?\b",
    "final": r"最终|最終|最后",
    "model": r"模型|网络|\b(?:models?|network|classifier)\b",
    "best": r"最佳|最高|最好|最优|\b(?:highest|max|maximum|greatest|peak)\b",
    "average": r"平均|均值|\b(?:mean|avg|balanced)\b",
    "epoch": r"第\s{0,3}\d{1,4}\s{0,3}[轮次个]|\b(?:iteration|iter|step|batch|fold)\b",
    "class": r"类别|[每各单][一个种]{0,2}类|t ?恤|裤|套衫|套头衫|裙|外套|凉鞋|衬衫|运动鞋|靴"
    r"|\b(?:label|digit|shirt|trousers?|pullover|dress|coat|sandal|sneaker|bag|boot|top|per)\b",
    # A goal, another's result, or a change: the number beside it is not this model's accuracy.
    "another": r"\btop\W{0,3}(?:\d+|k|five)\b|前[五5]|目标|目標|要求|期望|预期|阈值|门槛|及格|至少|不低于"
    r"|[超高大低小少]于|超[过出]|不[到足]|接近|基[线准]|论文|文献|官方|参考|人类|随机|猜测|之前|此前|上[次一]"
    r"|原来|原始|初始|未训练|(?<!百分)比(?![例较率值])|提[升高]|增[加长]|上升|改[善进]|下降|降低|减少|高[出了]"
    r"|相差|差[距异值]|之差"
    r"|\b(?:goal|expect(?:ed)?|threshold|baseline|benchmark|paper|published|reported|sota|human"
    r"|random|chance|previous(?:ly)?|before|untrained|initial|should|least|than|above|below|over|under"
    r"|exceed(?:s|ed|ing)?|beats?|need(?:ed)?|required|improve\w{0,5}|increase\w{0,2}|decrease\w{0,2}"
    r"|gain\w{0,3}|drop(?:s|ped)?|reduc\w{1,5}|higher|lower|better|worse|diff|difference|gap|delta)\b",
    "points": r"个? ?百分点|\bpercentage points?\b|\bpoints?\b|\bpp\b",
    "%": r"\bper ?cent\b",
    "--": r"[-=—–>]{1,3}[>》]|[→⇒]",
}
MEANING = re.compile("|".join(f"({words})" for words in MEANINGS.values()))
MEANING_OF_GROUP = ["", *MEANINGS]
SPLITS = {"test", "train", "validation"}
QUANTITIES = {"accuracy", "loss", "measure"}
FLAGS = {"final", "model", "best", "average", "epoch", "class", "another"}

EAST_ASIAN = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
SCRIPT_BORDER = re.compile(f"(?<=[a-z0-9%])(?=[{EAST_ASIAN}])|(?<=[{EAST_ASIAN}])(?=[a-z0-9.])")
CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])|(?i:(?<=\btest)(?=acc))")
ARRAY_OF_ONE = re.compile(r"(?:np\.)?float\d\d\(([^()]{1,40})\)")
MARKUP = re.compile(r"\*\*|`|\\(?=%)|\A\W+(?=\w)|\ufe0f")
DECIMAL_COMMA = re.compile(r"(?<![\d.,])(0,\d\d+|\d{1,3},\d+(?= ?%))(?!\d|[.,]\d)")
THOUSANDS = re.compile(r"(?<![\d.,])([1-9]\d{0,2}),(\d{3})(?!\d|[.,]\d)")
PERCENT_BEFORE = re.compile(r"百分之\s{0,3}(\d[\d.]{0,20})")
TOKEN = re.compile(
    r"(?P<number>(?<![\w.])(?>\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+)(?!\w|\.\d))"
    r"|(?P<word>[^\W\d_]+)|(?P<sign>[^\w\s])"
)


def normalised(text):
    """Return text in one form: width, case, borders between scripts and words, decimal points."""
    # A Chinese comma separates two numbers, an ASCII one may stand for a decimal point.
    text = unicodedata.normalize("NFKC", text.replace("，", ", "))
    text = MARKUP.sub("", ARRAY_OF_ONE.sub(r"\1", text))
    text = SCRIPT_BORDER.sub(" ", CAMEL_CASE.sub(" ", text).replace("_", " ").lower())
    text = DECIMAL_COMMA.sub(lambda match: match[0].replace(",", "."), text)
    return PERCENT_BEFORE.sub(r"\1%", THOUSANDS.sub(r"\1\2", text))


@functools.lru_cache(maxsize=10_000)
def tokens(text):
    """Return the (kind, token) pairs of a text, each word that has a meaning replaced by it."""
    text = MEANING.sub(lambda match: f" {MEANING_OF_GROUP[match.lastindex]} ", normalised(text))
    return tuple((match.lastgroup, match[0]) for match in TOKEN.finditer(text))


def meanings(text):
    """Return the set of words in a text, those with a meaning replaced by it."""
    return {token for kind, token in tokens(text) if kind == "word"}


def quantities(text):
    """Return which quantities a text or name speaks of: a subset of QUANTITIES."""
    return meanings(text) & QUANTITIES


def splits(text):
    """Return which parts of the data a text or name speaks of: a subset of SPLITS and "evaluation"."""
    return meanings(text) & (SPLITS | {"evaluation"})


def pieces(name):
    """Return the words that a variable's name is made of."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")


def named_split(expression):
    """Return what the names in an expression speak of: a subset of "test", "train" (or validation)."""
    names = [getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(expression)]
    found = splits(" ".join(name for name in names if isinstance(name, str)))
    return {"test" if split == "test" else "train" for split in found & SPLITS}


def is_on_test(call, flow):
    """Return what an evaluation is made on: "test", "train" (or validation), "" if that is not told."""
    keywords = [keyword.value for keyword in call.keywords if keyword.arg in ("x", "y", "y_true")]
    arguments = [*call.args[:3], *keywords]
    named = set().union(*map(named_split, arguments))
    facts = {kind for expression in arguments for kind, _ in flow.facts(expression)}
    reached = facts & {"test", "train"}
    if not named or reached == {"test"}:
        named = reached
    elif named == {"test"} and reached == {"train"}:
        return ""  # Called a test, but split off from the training images.
    return named.pop() if len(named) == 1 else ""
