/**
 * What people did on the page.
 */
import type { ActionLine } from "../Model.ts"
import type { Node } from "../../html.ts"
import { table } from "./Table.ts"
import { foreign, time } from "./Text.ts"
import * as Words from "./Words.ts"

export const actionTable = (actions: ReadonlyArray<ActionLine>, now: number): Node =>
  table("Actions", actions, ({ about, at, what }) => `${at} ${what} ${about}`, [
    { title: "When", cell: ({ at }) => time(at, now) },
    { title: "Who", cell: ({ who }) => foreign(who, 40) },
    { title: "What", kind: "main", cell: ({ what }) => foreign(what, 40) },
    { title: "About", kind: "wide", cell: ({ about }) => foreign(about, 160) },
    { title: "Pages", kind: "number", cell: ({ count }) => Words.number(count) }
  ])
