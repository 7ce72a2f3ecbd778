// Records what targaryen, an independent evaluator of security rules, says of the cases in cases.json.
// In a folder of its own: `npm install targaryen@3.1.0`, then
//     NODE_PATH=node_modules node .../tests/recordings/rules/record.js
// Writes recorded.json beside this file: for each expression, as a .read of the whole data, true, false or "refused"
// (when the rules are written); for each scenario a list of the same, one for each thing done, each on the same data.
"use strict";
const fs = require("fs");
const path = require("path");
const targaryen = require("targaryen");

const cases = JSON.parse(fs.readFileSync(path.join(__dirname, "cases.json"), "utf8"));

function database(rules, data, auth) {
  return targaryen.database(rules, data, cases.now).as(auth).with({ now: cases.now });
}

function act(db, step) {
  if ("read" in step) return db.read(step.read, { now: cases.now }).allowed;
  if ("write" in step) return db.write(step.write, step.value, { now: cases.now }).allowed;
  return db.update(step.update, step.value, { now: cases.now }).allowed;
}

function record(rules, data, auth, steps) {
  let db;
  try {
    db = database(rules, data, auth);
  } catch (error) {
    return steps.map(() => "refused");
  }
  return steps.map((step) => act(db, step));
}

const recorded = {
  expressions: cases.expressions.map(
    (text) => record({ rules: { ".read": text } }, cases.data, cases.auth, [{ read: "/" }])[0]
  ),
  scenarios: cases.scenarios.map((s) => record(s.rules, s.data, s.auth, s.do)),
};
fs.writeFileSync(path.join(__dirname, "recorded.json"), JSON.stringify(recorded, null, 1) + "\n");
