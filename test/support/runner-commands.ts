/** What a step said to the runner with workflow commands and command files, read as the runner reads it. */

export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly message: string;
  readonly title: string | null;
  readonly file: string | null;
  readonly line: number | null;
}

/** Follows a step's output line by line, as the runner does. */
export class CommandReader {
  readonly annotations: Annotation[] = [];
  /** The log as people see it in GitHub: commands carried out, masks applied. */
  readonly logLines: string[] = [];
  /** The lines of the log that stand outside of all groups. */
  readonly unfoldedLines: string[] = [];
  /** All that was printed, unmasked; without the lines that register masks, which have to hold secrets. */
  readonly rawLines: string[] = [];
  readonly state: Record<string, string> = {};
  readonly #masks: string[] = [];
  #folded = false;
  #stoppedBy: string | null = null;

  constructor(masks: readonly string[] = []) {
    for (const mask of masks) this.#addMask(mask);
  }

  read(line: string): void {
    const command = this.#commandIn(line);
    if (command?.name !== 'add-mask') this.rawLines.push(line);
    if (command === null) this.#show(line);
    else this.#carryOut(command, line);
  }

  #commandIn(line: string): Command | null {
    if (this.#stoppedBy === null) return parseCommand(line);
    if (line.trim() === `::${this.#stoppedBy}::`) this.#stoppedBy = null;
    return null;
  }

  #carryOut(command: Command, line: string): void {
    const { name, properties, data } = command;
    switch (name) {
      case 'group':
        this.#show(`##[group]${data}`);
        this.#folded = true;
        return;
      case 'endgroup':
        this.#show('##[endgroup]');
        this.#folded = false;
        return;
      case 'error':
      case 'warning':
      case 'notice':
        this.annotations.push({
          level: name,
          message: data,
          title: properties.title ?? null,
          file: properties.file ?? null,
          line: properties.line === undefined ? null : Number(properties.line),
        });
        for (const text of data.split('\n')) this.#show(`##[${name}]${text}`);
        return;
      case 'add-mask':
        this.#addMask(data);
        return;
      case 'stop-commands':
        this.#stoppedBy = data;
        return;
      case 'save-state':
        this.state[properties.name ?? ''] = data;
        return;
      case 'debug':
        return;
      default:
        // Whatever else a step may order (set-env, set-output, add-path, add-matcher, echo) is none of ours.
        throw new Error(`the action printed a workflow command that it must not use: ${line}`);
    }
  }

  #show(line: string): void {
    const masked = this.#masks.reduce((text, mask) => text.replaceAll(mask, '***'), line);
    this.logLines.push(masked);
    if (!this.#folded && !/^##\[(group|endgroup)\]/.test(masked)) this.unfoldedLines.push(masked);
  }

  /** The runner also hides a value's usual encodings and, of a text of several lines, each line. */
  #addMask(value: string): void {
    for (const text of [value, ...value.split(/\r?\n/)]) {
      if (text.trim() === '') continue;
      const forms = [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1), base64(text)];
      for (const form of forms) if (!this.#masks.includes(form)) this.#masks.push(form);
    }
    this.#masks.sort((left, right) => right.length - left.length);
  }
}

interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

function parseCommand(line: string): Command | null {
  const match =
    /^[\s\u0085]*::(?<name>[^\s:]+)(?:\s(?<properties>.*?))?::(?<data>.*)$/.exec(line) ??
    /##\[(?<name>[^\s\]]+)(?:\s(?<properties>[^\]]*))?\](?<data>.*)$/.exec(line);
  if (match?.groups === undefined) return null;
  const { name = '', properties = '', data = '' } = match.groups;
  const pairs = properties
    .split(',')
    .filter((pair) => pair.includes('='))
    .map((pair) => {
      const [key = '', ...value] = pair.trim().split('=');
      return [key, unescaped(value.join('=')).replaceAll('%3A', ':').replaceAll('%2C', ',')] as const;
    });
  return { name, properties: Object.fromEntries(pairs), data: unescaped(data) };
}

function unescaped(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Reads GITHUB_OUTPUT, GITHUB_STATE or GITHUB_ENV: `name=value` lines and `name<<MARK … MARK` blocks. */
export function parseCommandFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const block = /^(?<name>[^=]+?)<<(?<mark>.+)$/.exec(line);
    if (block?.groups !== undefined) {
      const end = lines.indexOf(block.groups.mark ?? '', index + 1);
      if (end < 0) throw new Error(`a command file's block is not closed: ${line}`);
      values[block.groups.name ?? ''] = lines.slice(index + 1, end).join('\n');
      index = end;
    } else if (line !== '') {
      const [name = '', ...value] = line.split('=');
      values[name] = value.join('=');
    }
  }
  return values;
}
