/** Placeholders: loading, empty, ended. */

export function Loading({ what, share }: { readonly what: string; readonly share?: number }) {
  return (
    <p class="state" role="status">
      Loading {what}
      {share === undefined || share === 0 ? "…" : `: ${Math.round(share * 100)} %`}
    </p>
  );
}

export function Empty({ text }: { readonly text: string }) {
  return <p class="state">{text}</p>;
}

export function Fault({ text }: { readonly text: string }) {
  return (
    <p class="state fault" role="alert">
      {text}
    </p>
  );
}
