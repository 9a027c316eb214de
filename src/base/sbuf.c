/* SPDX-License-Identifier: Apache-2.0 */
/* sbuf: bounded text output. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sbuf.h"

#include "base/poison.h"

#define FIRST_CAP 256u

struct sbuf sbuf_fixed(char *p, size_t cap)
{
	return (struct sbuf){ .p = p, .cap = cap, .max = cap };
}

struct sbuf sbuf_arena(struct arena *a, size_t max)
{
	return (struct sbuf){ .arena = a, .max = max };
}

/* Makes room for n more bytes, or sets the sticky error. */
static bool room(struct sbuf *b, size_t n)
{
	size_t cap = b->cap == 0 ? FIRST_CAP : b->cap;
	size_t need;
	char *p;

	if (b->failed)
		return false;
	if (__builtin_add_overflow(b->n, n, &need) || need > b->max)
		goto fail;
	if (need <= b->cap)
		return true;
	if (b->arena == NULL)
		goto fail;
	while (cap < need)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	p = arena_alloc(b->arena, cap);
	if (p == NULL)
		goto fail;
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	b->p = p;
	b->cap = cap;
	return true;
fail:
	b->failed = true;
	return false;
}

void sbuf_add(struct sbuf *b, struct str s)
{
	if (s.n == 0 || !room(b, s.n))
		return;
	memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

void sbuf_addc(struct sbuf *b, char c)
{
	if (room(b, 1))
		b->p[b->n++] = c;
}

void sbuf_addz(struct sbuf *b, const char *cstr)
{
	sbuf_add(b, str_of(cstr));
}

void sbuf_fmt(struct sbuf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if ((size_t)n < sizeof(small)) {
		sbuf_add(b, (struct str){ small, (size_t)n });
		return;
	}
	/* vsnprintf wants room for its NUL too. */
	if (!room(b, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void sbuf_escaped(struct sbuf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\\' || c == '"') {
			sbuf_addc(b, '\\');
			sbuf_addc(b, (char)c);
		} else if (c >= 0x20 && c < 0x7f) {
			sbuf_addc(b, (char)c);
		} else {
			sbuf_fmt(b, "\\x%02x", c);
		}
	}
}

struct str sbuf_str(const struct sbuf *b)
{
	return (struct str){ b->p == NULL ? "" : b->p, b->n };
}

bool sbuf_ok(const struct sbuf *b)
{
	return !b->failed;
}
