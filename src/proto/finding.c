/* SPDX-License-Identifier: Apache-2.0 */
/* finding: the list every linter fills. */
#include <stdarg.h>
#include <stdio.h>

#include "base/sbuf.h"
#include "base/vec.h"
#include "proto/finding.h"

#include "base/poison.h"

#define TEXT_MAX 512
#define QUOTE_MAX 80u

struct finding_list finding_list_of(struct arena *a)
{
	return (struct finding_list){ .arena = a };
}

/* Appends f with its text formatted into the arena. */
__attribute__((format(printf, 3, 0))) static void add(struct finding_list *list,
	struct finding f, const char *fmt, va_list ap)
{
	char text[TEXT_MAX];

	if (f.level > list->worst)
		list->worst = f.level;
	if (list->n == FINDINGS_MAX) {
		list->cut = true;
		return;
	}
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	f.text = arena_str(list->arena, str_of(text));
	if (f.text.p == NULL || !VEC_PUSH(list->arena, list, f))
		list->failed = true;
}

void finding_add(struct finding_list *list, enum finding_level level,
	uint32_t line, uint32_t column, const char *rule, const char *remedy,
	const char *fmt, ...)
{
	struct finding f = { level, line, column, {}, rule, remedy, "" };
	va_list ap;

	va_start(ap, fmt);
	add(list, f, fmt, ap);
	va_end(ap);
}

void finding_add_check(struct finding_list *list,
	const struct finding_check *check, uint32_t line, const char *fmt, ...)
{
	struct finding f = { check->level, line, 0, {}, check->rule,
		check->remedy, check->id };
	va_list ap;

	va_start(ap, fmt);
	add(list, f, fmt, ap);
	va_end(ap);
}

const char *finding_quote(struct finding_list *list, struct str s)
{
	struct sbuf b = sbuf_arena(list->arena, 8 * QUOTE_MAX);

	sbuf_escaped(&b, str_upto(s, QUOTE_MAX));
	if (s.n > QUOTE_MAX)
		sbuf_addz(&b, "...");
	sbuf_addc(&b, '\0');
	if (sbuf_ok(&b))
		return sbuf_str(&b).p;
	list->failed = true;
	return "";
}

int finding_verdict(const struct finding_list *list)
{
	return (int)list->worst;
}

const char *finding_level_name(enum finding_level level)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[level];
}
