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

void finding_add(struct finding_list *list, enum finding_level level,
	uint32_t line, uint32_t column, const char *rule, const char *remedy,
	const char *fmt, ...)
{
	struct finding f = { level, line, column, {}, rule, remedy };
	char text[TEXT_MAX];
	va_list ap;

	if (level > list->worst)
		list->worst = level;
	if (list->n == FINDINGS_MAX) {
		list->cut = true;
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f.text = arena_str(list->arena, str_of(text));
	if (f.text.p == NULL || !VEC_PUSH(list->arena, list, f))
		list->failed = true;
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
