/** A failure is all that a mutant is asked for: looking for the smallest one takes minutes. */
import fc from "fast-check";

fc.configureGlobal({ endOnFailure: true });
