/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: a list of verdicts, and the worst of them. */
#include "outbound/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bug.h"
#include "base/sbuf.h"
#include "base/vec.h"

#include "base/poison.h"

#define TEXT_MAX 512
#define QUOTE_MAX 160u

struct doctor doctor_of(struct arena *a)
{
	return (struct doctor){ .arena = a };
}

void doctor_add(struct doctor *d, enum doctor_verdict verdict, const char *id,
	const char *remedy, const char *fmt, ...)
{
	struct doctor_line line = { verdict, id, {}, remedy };
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line.text = arena_str(d->arena, str_of(text));
	BUG(line.text.p == NULL || !VEC_PUSH(d->arena, d, line));
}

const char *doctor_quote(struct doctor *d, struct str s)
{
	struct sbuf b = sbuf_arena(d->arena, 8 * QUOTE_MAX);

	sbuf_escaped(&b, str_upto(s, QUOTE_MAX));
	sbuf_addz(&b, s.n > QUOTE_MAX ? "..." : "");
	sbuf_addc(&b, '\0');
	BUG(!sbuf_ok(&b));
	return b.p;
}

static bool has(const struct doctor *d, enum doctor_verdict v)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].verdict == v)
			return true;
	return false;
}

enum doctor_verdict doctor_worst(const struct doctor *d)
{
	static const enum doctor_verdict order[] = { DOCTOR_ERROR,
		DOCTOR_UNTESTED, DOCTOR_WARNING };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (has(d, order[i]))
			return order[i];
	return DOCTOR_GOOD;
}

const char *doctor_verdict_name(enum doctor_verdict v)
{
	static const char *const names[] = {
		[DOCTOR_GOOD] = "good",
		[DOCTOR_WARNING] = "warning",
		[DOCTOR_ERROR] = "error",
		[DOCTOR_UNTESTED] = "could not test",
	};

	return names[v];
}

void doctor_json(const struct doctor *d, struct json_writer *w)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_line *l = &d->items[i];

		json_open_object(w, NULL);
		json_put_z(w, "id", l->id);
		json_put_z(w, "verdict", doctor_verdict_name(l->verdict));
		json_put_str(w, "text", l->text);
		json_put_z(w, "remedy", l->remedy);
		json_close_object(w);
	}
}
