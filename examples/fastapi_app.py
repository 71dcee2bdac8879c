"""A FastAPI application in which each route says what it needs.

uvicorn fastapi_app:app
"""

import os
from typing import Annotated

from fastapi import Depends, FastAPI

from tokenry.middleware import Identity
from tokenry.middleware.fastapi import Requirer
from tokenry.middleware.remote import RemoteVerifier

require = Requirer(RemoteVerifier(os.environ.get("VERIFIER", "http://127.0.0.1:8470")))
app = FastAPI(lifespan=require.lifespan, exception_handlers=require.exception_handlers)

Reader = Annotated[Identity, Depends(require("linodes:read_only"))]
Writer = Annotated[Identity, Depends(require("linodes:read_write"))]


@app.get("/")
async def read(caller: Reader) -> dict[str, str]:
    """Greet whoever may read linodes."""
    return {"hello": caller.user}


@app.post("/")
async def write(caller: Writer) -> dict[str, str]:
    """Greet whoever may write linodes."""
    return {"hello": caller.user}
