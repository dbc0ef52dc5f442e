/**
 * How much of something that all share one may have: as much as is then left for all others. One alone may have
 * half, two a third each, and so on; however many take all that they may, the next one still finds a share. This is
 * the "dynamic threshold" by which switches share a buffer (Choudhury and Hahne, 1998).
 */
export function shareOf(all: number, others: number): number {
  return Math.max(0, Math.floor((all - others) / 2));
}
