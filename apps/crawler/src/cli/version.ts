/** The program's version, as `--version` says it. */
export const version = "0.1.0"
