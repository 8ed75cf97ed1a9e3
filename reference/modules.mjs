// Gives each module its name, and the comment that it begins with: TypeDoc takes only one with a tag `@module`.
import { basename, extname } from "node:path"
import { Comment, Converter, ReflectionKind } from "typedoc"

/** The text of a file's first comment, without its tags. */
const textOf = (source) => {
  const [, inside = ""] = /^\s*\/\*\*([^]*?)\*\//.exec(source) ?? []
  return inside
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .replace(/^@[^]*$/m, "")
    .trim()
}

export const load = (app) => {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (reflection.kind !== ReflectionKind.Module) return
    const file = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile()
    if (file === undefined) return
    reflection.name = basename(file.fileName, extname(file.fileName))
    reflection.comment = new Comment([{ kind: "text", text: textOf(file.text) }])
  })
}
