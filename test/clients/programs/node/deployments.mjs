// What is wrong with a file of conf/container, by the rules of those who read it:
//
//     node deployments.mjs <folder of node_modules> (dockerfile|compose|kubernetes) <file>
//
// A line for each mistake, and exit status 1 if there is one. Kubernetes' own types are taken for what
// they are, types: so a key that there is not is a mistake too, which its schema lets pass.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const [modules, kind, file] = process.argv.slice(2)
const require = createRequire(path.join(path.resolve(modules), 'any.js'))
const text = readFileSync(file, 'utf8')

function mistakesOfDockerfile() {
    return require('dockerfile-utils').validate(text).map(found =>
        `line ${found.range.start.line + 1}: ${found.message}`)
}

function mistakesOfCompose() {
    const Ajv = require('ajv').default
    const judge = new Ajv({ strict: false, allErrors: true, formats: { duration: true } })
    const schema = readFileSync(path.join(modules, 'dclint/schemas/compose.schema.json'), 'utf8')
    judge.validate({ ...JSON.parse(schema), $schema: undefined }, require('yaml').parse(text, { merge: true }))
    return (judge.errors ?? []).map(found =>
        `${found.instancePath || '/'}: ${found.message} ${JSON.stringify(found.params)}`)
}

function mistakesOfKubernetes() {
    const objects = require('yaml').parseAllDocuments(text).map(document => document.toJS())
    const invalid = []
    for (const object of objects) {
        try {
            new (require(`kubernetes-models/${object.apiVersion}`)[object.kind])(object).validate()
        } catch (error) {
            invalid.push(`${object.kind}: ${error.message}`)
        }
    }
    return [...invalid, ...mistypedIn(objects)]
}

function mistypedIn(objects) {
    const ts = require('typescript')
    const program = path.join(modules, '..', `kubernetes-${process.pid}.ts`)
    const lines = objects.map((object, i) =>
        `import { I${object.kind} as Kind${i} } from 'kubernetes-models/${object.apiVersion}/${object.kind}'\n` +
        `export const made${i}: Kind${i} = ${JSON.stringify(object)}\n`)
    const host = ts.createCompilerHost({})
    const { readFile, fileExists } = host
    host.readFile = name => name === program ? lines.join('') : readFile(name)
    host.fileExists = name => name === program || fileExists(name)
    host.getSourceFile = (name, version) => {
        const source = host.readFile(name)
        return source === undefined ? undefined : ts.createSourceFile(name, source, version)
    }
    const checked = ts.createProgram([program], {
        noEmit: true, strict: true, skipLibCheck: true, types: [],
        module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16,
    }, host)
    return ts.getPreEmitDiagnostics(checked).map(found =>
        ts.flattenDiagnosticMessageText(found.messageText, ' '))
}

const mistakes = { dockerfile: mistakesOfDockerfile, compose: mistakesOfCompose, kubernetes: mistakesOfKubernetes }[kind]()
for (const mistake of mistakes) console.log(mistake)
process.exitCode = mistakes.length > 0 ? 1 : 0
