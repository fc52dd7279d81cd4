// Signs and verifies with jose (npm): jose_tokens.mjs NODE_MODULES sign|verify, a JSON request on stdin.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [modules, operation] = process.argv.slice(2)
const { SignJWT, importJWK, jwtVerify } = await import(pathToFileURL(`${modules}/jose/dist/webapi/index.js`))
const request = JSON.parse(readFileSync(0, 'utf8'))
const { alg } = request.jwk
const key = await importJWK(request.jwk, alg)
if (operation === 'sign') {
  console.log(await new SignJWT(request.claims).setProtectedHeader(request.header).sign(key))
} else {
  const { payload } = await jwtVerify(request.token, key, { algorithms: [alg] })
  console.log(JSON.stringify(payload))
}
