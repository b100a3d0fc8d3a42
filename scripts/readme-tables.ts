import { commands } from '../src/report/report.ts';
import { type InputName, inputEntry, inputNames } from '../src/runner/input-catalogue.ts';
import type { ActionDefinition } from './action-definition.ts';

/** What most people set, and nothing else. */
const firstInputs: readonly InputName[] = ['command', 'database-url', 'storage'];

/** The inputs: three first, then those of every command, then what each command has beside them. */
export function inputTables(action: ActionDefinition): string {
  const isCommon = (name: InputName) => inputEntry(name).commands.length === commands.length;
  const common = inputNames.filter((name) => isCommon(name) && !firstInputs.includes(name));
  const ofCommands = commands.map((command) => {
    const names = inputNames.filter((name) => !isCommon(name) && inputEntry(name).commands.includes(command));
    return names.length === 0 ? '' : `#### \`command: ${command}\`\n\n${inputTable(action, names)}`;
  });
  return [
    inputTable(action, firstInputs),
    `#### Every command\n\n${inputTable(action, common)}`,
    ...ofCommands.filter((part) => part !== ''),
  ].join('\n\n');
}

export function outputTable(action: ActionDefinition): string {
  const rows = Object.entries(action.outputs).map(([name, { description }]) => [
    `\`${name}\``,
    cell(description),
  ]);
  return table(['Output', 'What it says'], rows);
}

/** The deploy workflow, as it lies in examples/. */
function workflowBlock(workflow: string): string {
  return `\`\`\`yaml\n${workflow.trimEnd()}\n\`\`\``;
}

/** README.md with everything that is made from other files. */
export function generatedReadme(markdown: string, action: ActionDefinition, deployWorkflow: string): string {
  const parts = {
    deploy: workflowBlock(deployWorkflow),
    inputs: inputTables(action),
    outputs: outputTable(action),
  };
  return Object.entries(parts).reduce(
    (text, [name, content]) => withGenerated(text, name, content),
    markdown,
  );
}

/** Puts `content` between `<!-- generated:<name> -->` and its closing mark; throws when the marks are not there. */
export function withGenerated(markdown: string, name: string, content: string): string {
  const open = `<!-- generated:${name} -->`;
  const close = `<!-- /generated:${name} -->`;
  const start = markdown.indexOf(open);
  const end = markdown.indexOf(close, start);
  if (start < 0 || end < 0) throw new Error(`README.md needs the marks ${open} and ${close}`);
  return `${markdown.slice(0, start + open.length)}\n\n${content}\n\n${markdown.slice(end)}`;
}

function inputTable(action: ActionDefinition, names: readonly InputName[]): string {
  const rows = names.map((name) => {
    const input = action.inputs[name];
    if (input === undefined) throw new Error(`action.yml has no input ${name}`);
    return [
      `\`${name}\``,
      input.default === undefined ? '' : `\`${input.default}\``,
      cell(input.description),
    ];
  });
  return table(['Input', 'Default', 'What it does'], rows);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function cell(text: string): string {
  return text.trim().replaceAll('\n', ' ').replaceAll('|', '\\|');
}
