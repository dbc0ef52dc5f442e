/** Line charts as SVG, with nothing in them that needs a script: they are looked at in documents. */

export type Series = { readonly name: string; readonly values: readonly number[] };

export type Chart = {
  readonly title: string;
  readonly xLabel: string;
  /** Names of the points along the x axis. */
  readonly xs: readonly string[];
  readonly yLabel: string;
  readonly series: readonly Series[];
};

/** Told apart by people who don't see colours as most do (Okabe and Ito's palette), and by dashes. */
const colours = ["#999999", "#56b4e9", "#1f78b4", "#e69f00", "#cc79a7", "#0072b2", "#000000", "#009e73", "#d55e00"];
const dashes = ["2 3", "6 3", "6 3 1 3", "1 4", "8 3 2 3", "", "3 2", "12 4", ""];

const size = { width: 720, height: 400 };
const frame = { left: 60, top: 44, right: 250, bottom: 48 };
const ticks = 5;

/** Values are shares of 1; the axis goes from 0 to the next tenth above the greatest. */
export function lineChart({ title, xLabel, xs, yLabel, series }: Chart): string {
  const width = size.width - frame.left - frame.right;
  const height = size.height - frame.top - frame.bottom;
  const most = Math.max(0.1, Math.ceil(10 * Math.max(...series.flatMap(({ values }) => values))) / 10);
  const x = (index: number): number => frame.left + (xs.length === 1 ? width / 2 : (width * index) / (xs.length - 1));
  const y = (value: number): number => frame.top + height * (1 - value / most);
  const parts = [
    `<rect width="${size.width}" height="${size.height}" fill="#ffffff"/>`,
    text(frame.left, 24, title, { size: 15, weight: 600 }),
  ];
  for (let tick = 0; tick <= ticks; tick++) {
    const value = (most * tick) / ticks;
    const at = round(y(value));
    parts.push(`<path d="M${frame.left} ${at}H${frame.left + width}" stroke="#e4e4e4"/>`);
    parts.push(text(frame.left - 8, at + 4, `${Math.round(100 * value)} %`, { anchor: "end" }));
  }
  for (const [index, name] of xs.entries()) {
    parts.push(text(x(index), frame.top + height + 18, name, { anchor: "middle" }));
  }
  parts.push(text(frame.left + width / 2, size.height - 10, xLabel, { anchor: "middle" }));
  parts.push(text(frame.left, frame.top - 6, yLabel));
  for (const [index, { name, values }] of series.entries()) {
    const colour = colours[index % colours.length] ?? "#000000";
    const dash = dashes[index % dashes.length] ?? "";
    const points = values.map((value, nth) => `${round(x(nth))},${round(y(value))}`);
    const style = `stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash}"`;
    parts.push(`<polyline points="${points.join(" ")}" fill="none" ${style}/>`);
    for (const point of points) {
      const [cx, cy] = point.split(",");
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`);
    }
    const at = frame.top + 10 + index * 22;
    const left = frame.left + width + 16;
    parts.push(`<path d="M${left} ${at}h26" ${style}/>`, text(left + 32, at + 4, name));
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img">
<title>${escape(title)}</title>
${parts.join("\n")}
</svg>
`;
}

type Style = { readonly anchor?: string; readonly size?: number; readonly weight?: number };

function text(
  x: number,
  y: number,
  content: string,
  { anchor = "start", size: points = 12, weight = 400 }: Style = {},
) {
  const style = `font-family="system-ui, sans-serif" font-size="${points}" font-weight="${weight}" fill="#222222"`;
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" ${style}>${escape(content)}</text>`;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
