// Prints the report that is in a page, as the page itself unpacks it: `node report-of.js PAGE`.

import { readFileSync } from 'node:fs';
import { unpacked } from '../page/unpack.js';

const page = readFileSync(process.argv[2], 'utf8');
const text = /<script type="application\/json" id="report">([^<]*)<\/script>/.exec(page)?.[1];
if (text === undefined) throw new Error('there is no report in the page');
process.stdout.write(JSON.stringify(await unpacked(text)));
