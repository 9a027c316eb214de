/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sbuf: text output into a bounded buffer with a sticky error. After the first
 * write that does not fit, every later write does nothing, and sbuf_ok says so:
 * writers are straight lines that check once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

struct sbuf {
	char *p;
	size_t n;	     /* bytes written */
	size_t cap;	     /* bytes at p */
	size_t max;	     /* never more than this many */
	struct arena *arena; /* where growing memory comes from, or NULL */
	bool failed;
};

/* Writes into cap bytes at p. */
struct sbuf sbuf_fixed(char *p, size_t cap);

/* Grows in the arena up to max bytes. */
struct sbuf sbuf_arena(struct arena *a, size_t max);

void sbuf_add(struct sbuf *b, struct str s);
void sbuf_addc(struct sbuf *b, char c);
void sbuf_addz(struct sbuf *b, const char *cstr);
void sbuf_fmt(struct sbuf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * s with everything but printable ASCII written as \xNN (and \\ and \" with a
 * backslash): the only way untrusted text reaches a log or a terminal.
 */
void sbuf_escaped(struct sbuf *b, struct str s);

/* What was written so far; valid until the next write. */
struct str sbuf_str(const struct sbuf *b);

/* false after a write did not fit or memory was used up. */
bool sbuf_ok(const struct sbuf *b);
