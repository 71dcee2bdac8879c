"""The description as a page for people, which loads nothing and runs nothing: `/docs`."""

from tokenry.api.docs.page import description_as_page

__all__ = ["description_as_page"]
