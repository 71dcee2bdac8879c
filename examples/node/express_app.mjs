// An Express application, protected as a whole: reading takes another scope than writing.
//
// node express_app.mjs
import express from "express";
import { Verifier } from "./tokenry.mjs";

const verifier = new Verifier(process.env.VERIFIER ?? "http://127.0.0.1:8470");
const app = express();
app.use(verifier.express({ resource: "linodes" }));
app.use((req, res) => res.json({ hello: req.tokenry.user }));
await verifier.check();
const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log(server.address().port));
