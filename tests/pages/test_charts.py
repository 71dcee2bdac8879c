"""Pictures of numbers by day."""

from datetime import date, timedelta

from tokenry.pages.charts import HEIGHT, WIDTH, draw_days

DAYS = [date(2026, 11, 1) + timedelta(days=number) for number in range(30)]


def test_highest_day_fills_the_picture_and_the_others_are_in_proportion() -> None:
    drawn = draw_days(DAYS, ["accepted"], {(DAYS[0], "accepted"): 200, (DAYS[29], "accepted"): 50})
    first, last = drawn.bars
    assert (first.height, first.y, last.height, last.y) == (HEIGHT, 0, HEIGHT / 4, HEIGHT * 3 / 4)
    assert last.x + last.width <= WIDTH
    assert (drawn.most, drawn.total) == (200, 250)


def test_pieces_of_a_day_stand_upon_each_other() -> None:
    drawn = draw_days(DAYS, ["accepted", "expired"], {(DAYS[3], "accepted"): 3, (DAYS[3], "expired"): 1})
    below, above = drawn.bars
    assert above.y + above.height == below.y
    assert [drawn.textures[bar.kind] for bar in drawn.bars] == [None, 0]


def test_little_beside_much_can_be_seen() -> None:
    drawn = draw_days(DAYS, ["accepted"], {(DAYS[0], "accepted"): 10**9, (DAYS[1], "accepted"): 1})
    assert drawn.bars[1].height == 1


def test_days_without_numbers_have_no_bars_and_no_rows() -> None:
    drawn = draw_days(DAYS, ["accepted"], {})
    assert (drawn.bars, drawn.rows, drawn.most) == ([], [], 0)
