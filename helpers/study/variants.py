"""Names of what stands beside a model: `paper:imputed` is the model `paper` on imputed data."""

SEPARATOR = ":"
WITHOUT = "without_"
OTHERWISE = "stated_values"
IMPUTED = "imputed"
CLUSTERED = "clustered"
FIRTH = "firth"
STRATIFIED = "stratified"
UNADJUSTED = "unadjusted"
COMPANIONS = {
    OTHERWISE: "with stated values where a variable cannot exist",
    IMPUTED: "missing values imputed",
    CLUSTERED: "errors clustered on pairs",
    FIRTH: "Firth's penalised likelihood",
    STRATIFIED: "baseline hazards free in each level",
}


def variant(model: str, what: str) -> str:
    """The name of a model's companion."""
    return f"{model}{SEPARATOR}{what}"


def split(name: str) -> tuple[str, str]:
    """A model's name and what its companion is, empty for the model itself."""
    model, _, what = name.partition(SEPARATOR)
    return model, what
