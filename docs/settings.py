"""The table of settings in `operating.md`, written from the settings: `python -m docs.settings` renews it."""

from pathlib import Path

from tokenry.settings import CONFIG_FILE, NOTES, SECRETS, Settings, flag_of, variable_of

PAGE = Path(__file__).with_name("operating.md")
BEGIN, END = "<!-- settings: written by `python -m docs.settings` -->\n", "<!-- end of settings -->\n"


def write_settings() -> str:
    """Write a row for each setting: its variable, its flag, its default and what it means."""
    rows = ["| variable | flag | default | |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        note = NOTES[name]
        variable = variable_of(name)
        names = f"`{variable}`" + (f", `{variable}_FILE`" if name in SECRETS else "")
        default = note.unset or f"`{field.default}`"
        rows.append(f"| {names} | `{flag_of(name)}` | {default} | {field.description} |")
    rows.append(f"| `{CONFIG_FILE}` | `--config-file` | none | A TOML file with settings. |")
    return "\n".join(["", *rows, "", ""])


def renew(page: str) -> str:
    """Put the table in its place in a page."""
    before, rest = page.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}{write_settings()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(renew(PAGE.read_text("utf-8")), "utf-8")
