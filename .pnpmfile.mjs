// The node-<os>-<cpu> packages carry a Node.js binary each, but write "os" and "cpu" as plain
// strings, which pnpm does not read: without lists it would download every platform's binary.
export const hooks = {
  readPackage(pkg) {
    if (/^node-(bin-)?(linux|darwin|win)-/.test(pkg.name)) {
      pkg.os = [pkg.os].flat()
      pkg.cpu = [pkg.cpu].flat()
      if (pkg.os[0] === "linux") pkg.libc = ["glibc"]
    }
    return pkg
  }
}
