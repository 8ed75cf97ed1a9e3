/**
 * A command line as it was typed, but for its secrets.
 */

const hidden = "<redacted>"

/** Flags whose value is a secret. */
const secretFlags = new Set(["--api-key"])

/** Fields of an address whose values let somebody in. */
const secretField =
  /([?&;#][^=&;#]*(?:key|token|secret|password|passwd|pwd|auth|credential|signature|sig)[^=&;#]*=)[^&;#]*/gi

const withoutSecrets = (text: string): string =>
  text.replace(/([a-z][a-z\d+.-]*:\/*)[^/?#\s]*@/gi, `$1${hidden}@`).replace(secretField, `$1${hidden}`)

/** The arguments after the program's name, quoted as a shell needs them. `secrets` are hidden wherever they stand. */
export const shown = (name: string, args: ReadonlyArray<string>, secrets: ReadonlyArray<string> = []): string => {
  const safe = args.map((arg, index) => {
    if (secretFlags.has(args[index - 1] ?? "")) return hidden
    const [flag = ""] = arg.split("=", 1)
    if (secretFlags.has(flag) && arg.length > flag.length) return `${flag}=${hidden}`
    return withoutSecrets(secrets.reduce((text, secret) => text.replaceAll(secret, hidden), arg))
  })
  return [name, ...safe.map(quoted)].join(" ")
}

const quoted = (arg: string): string =>
  arg === hidden || /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`
