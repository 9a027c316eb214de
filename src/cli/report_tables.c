/* SPDX-License-Identifier: Apache-2.0 */
/* report_tables: who sent it, then each policy with its failures grouped. */
#include <stdlib.h>

#include "base/bug.h"
#include "base/map.h"
#include "base/vec.h"
#include "cli/report_tables.h"
#include "cli/table.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

/* Failures of one policy that share what they are grouped by. */
struct group {
	struct str key;
	int64_t sessions;
	struct str detail; /* the first reason or result type */
	bool more;	   /* and others */
};

struct groups {
	struct group **items;
	size_t n, cap;
};

static const struct {
	const char *word;
	const char *heads[3];
} views[] = {
	[REPORT_BY_RESULT] = { "result", { "RESULT", ">SESSIONS", "REASON" } },
	[REPORT_BY_SOURCE] = { "source",
		{ "SENDING MTA", ">SESSIONS", "RESULT" } },
	[REPORT_BY_MX] = { "mx", { "RECEIVING MX", ">SESSIONS", "RESULT" } },
	[REPORT_BY_POLICY] = { "policy", {} },
};

enum status report_by_parse(struct str word, enum report_by *out)
{
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		if (!str_eq(word, str_of(views[i].word)))
			continue;
		*out = (enum report_by)i;
		return ST_OK;
	}
	return ST_INVALID;
}

static struct str or_unknown(struct str s)
{
	return s.n > 0 ? s : STR("(not given)");
}

static struct str key_of(
	struct arena *a, const struct tlsrpt_failure *f, enum report_by by)
{
	switch (by) {
	case REPORT_BY_SOURCE:
		return or_unknown(tlsrpt_ip_canonical(a, f->sending_mta_ip));
	case REPORT_BY_MX:
		return or_unknown(f->receiving_mx_hostname);
	case REPORT_BY_RESULT:
	case REPORT_BY_POLICY:
		break;
	}
	return f->result_text;
}

static struct group *group_of(struct arena *a, struct groups *groups,
	struct map *index, struct str key)
{
	struct group *g = map_get(index, key);

	if (g != NULL)
		return g;
	g = arena_alloc(a, sizeof(*g));
	BUG(g == NULL || !VEC_PUSH(a, groups, g));
	g->key = key;
	(void)map_put(index, key, g);
	return g;
}

/* Most sessions first, then by name. */
static int by_sessions(const void *a, const void *b)
{
	const struct group *const *x = a, *const *y = b;

	if ((*x)->sessions != (*y)->sessions)
		return (*x)->sessions > (*y)->sessions ? -1 : 1;
	return str_cmp((*x)->key, (*y)->key);
}

static struct groups group_failures(
	struct arena *a, const struct tlsrpt_policy *p, enum report_by by)
{
	struct map *index = map_new();
	struct groups groups = {};

	for (size_t i = 0; i < p->failures.n; i++) {
		const struct tlsrpt_failure *f = &p->failures.items[i];
		struct group *g = group_of(a, &groups, index, key_of(a, f, by));
		struct str detail = by == REPORT_BY_RESULT
					    ? f->failure_reason_code
					    : f->result_text;

		g->sessions = tlsrpt_count_add(g->sessions, f->failed_sessions);
		if (g->detail.n == 0)
			g->detail = detail;
		else if (detail.n > 0 && !str_eq(detail, g->detail))
			g->more = true;
	}
	map_free(&index);
	if (groups.n > 0)
		qsort(groups.items, groups.n, sizeof(groups.items[0]),
			by_sessions);
	return groups;
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void print_failures(
	const struct cli *cli, const struct tlsrpt_policy *p, enum report_by by)
{
	struct table t = table_of(cli->arena, views[by].heads, 3);
	struct groups groups = group_failures(cli->arena, p, by);
	struct table_row *row;
	int64_t total = 0;

	for (size_t i = 0; i < groups.n; i++) {
		const struct group *g = groups.items[i];
		struct str detail = table_text(&t, g->detail);

		row = table_add(&t);
		row->cells[0] = table_text(&t, g->key);
		row->cells[1] = table_number(&t, g->sessions);
		row->cells[2] = g->more ? arena_fmt(cli->arena,
						  "%.*s and others",
						  STR_ARG(detail))
					: detail;
		total = tlsrpt_count_add(total, g->sessions);
	}
	row = table_add(&t);
	row->cells[0] = STR("total");
	row->cells[1] = table_number(&t, total);
	table_print(cli, &t, "    ");
	if (total != p->failed_sessions)
		(void)fprintf(cli->out,
			"    (the sender counts %lld failed session%s; one may "
			"fail in several ways)\n",
			(long long)p->failed_sessions,
			plural(p->failed_sessions));
}

static void print_policies(
	const struct cli *cli, const struct tlsrpt_policies *list)
{
	static const char *const heads[] = { "POLICY", "DOMAIN", ">SUCCESSFUL",
		">FAILED", ">TOTAL" };
	struct table t = table_of(cli->arena, heads, 5);

	for (size_t i = 0; i < list->n; i++) {
		const struct tlsrpt_policy *p = &list->items[i];
		struct table_row *row = table_add(&t);

		row->cells[0] = table_text(&t, or_unknown(p->type_text));
		row->cells[1] = table_text(&t, or_unknown(p->domain));
		row->cells[2] = table_number(&t, p->successful_sessions);
		row->cells[3] = table_number(&t, p->failed_sessions);
		row->cells[4] = table_number(
			&t, tlsrpt_count_add(p->successful_sessions,
				    p->failed_sessions));
	}
	table_print(cli, &t, "  ");
	if (list->n > 1)
		(void)fprintf(cli->out,
			"  (not added up: a session can count under several "
			"policies)\n");
}

/* "label: item, item" of strangers' texts on one line. */
static void print_list(const struct cli *cli, const char *label,
	const struct tlsrpt_strings *list)
{
	struct sbuf b = sbuf_arena(cli->arena, 4 * TLSRPT_JSON_BYTES_MAX);

	if (list->n == 0)
		return;
	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			sbuf_addz(&b, ", ");
		sbuf_escaped(&b, list->items[i]);
	}
	(void)fprintf(cli->out, "    %s: %.*s\n", label, STR_ARG(sbuf_str(&b)));
}

static void print_policy_failures(
	const struct cli *cli, const struct tlsrpt_policy *p, enum report_by by)
{
	struct sbuf b = sbuf_arena(cli->arena, 16 * TLSRPT_TEXT_MAX);

	sbuf_escaped(&b, or_unknown(p->type_text));
	sbuf_addc(&b, ' ');
	sbuf_escaped(&b, or_unknown(p->domain));
	(void)fprintf(
		cli->out, "\n  failed under %.*s\n", STR_ARG(sbuf_str(&b)));
	print_list(cli, "policy", &p->lines);
	print_list(cli, "mx", &p->mx_hosts);
	if (p->failures.n > 0)
		print_failures(cli, p, by);
	else
		(void)fprintf(cli->out,
			"    (the sender gives no details of %lld failed "
			"session%s)\n",
			(long long)p->failed_sessions,
			plural(p->failed_sessions));
}

static void add_date(struct sbuf *b, bool has, struct unix_time t)
{
	if (has)
		utc_write(b, t);
	else
		sbuf_addz(b, "(unknown)");
}

static void print_head(
	const struct cli *cli, const char *name, const struct tlsrpt_report *r)
{
	struct sbuf b = sbuf_arena(cli->arena, 32 * TLSRPT_TEXT_MAX);

	sbuf_escaped(&b, str_of(name));
	sbuf_addz(&b, ": TLS report from ");
	sbuf_escaped(&b, or_unknown(r->organization));
	(void)fprintf(cli->out, "%s%.*s%s\n", cli_bold(cli),
		STR_ARG(sbuf_str(&b)), cli_plain(cli));
	b.n = 0;
	add_date(&b, r->has_start, r->start);
	sbuf_addz(&b, " to ");
	add_date(&b, r->has_end, r->end);
	sbuf_addz(&b, "\n  contact ");
	sbuf_escaped(&b, or_unknown(r->contact));
	sbuf_addz(&b, ", id ");
	sbuf_escaped(&b, or_unknown(r->id));
	(void)fprintf(cli->out, "  %.*s\n\n", STR_ARG(sbuf_str(&b)));
}

/* Each kind once, with the place where it was met first. */
static void print_deviations(
	const struct cli *cli, const struct tlsrpt_deviations *list)
{
	unsigned seen[TLSRPT_QUIRKS] = {};

	for (size_t i = 0; i < list->n; i++)
		seen[list->items[i].quirk]++;
	if (list->n > 0)
		(void)fprintf(cli->out, "\n  not as RFC 8460 says:\n");
	for (size_t i = 0; i < list->n; i++) {
		const struct tlsrpt_deviation *d = &list->items[i];

		if (seen[d->quirk] == 0)
			continue;
		(void)fprintf(cli->out, "    ");
		if (d->line > 0)
			(void)fprintf(cli->out, "line %u, column %u: ", d->line,
				d->column);
		(void)fprintf(cli->out, "%s", tlsrpt_quirk_text(d->quirk));
		if (seen[d->quirk] > 1)
			(void)fprintf(cli->out, " (%u times)", seen[d->quirk]);
		(void)fprintf(cli->out, "\n");
		seen[d->quirk] = 0;
	}
}

void report_print(const struct cli *cli, const char *name,
	const struct tlsrpt_report *r, enum report_by by)
{
	print_head(cli, name, r);
	print_policies(cli, &r->policies);
	for (size_t i = 0; i < r->policies.n && by != REPORT_BY_POLICY; i++) {
		const struct tlsrpt_policy *p = &r->policies.items[i];

		if (p->failures.n > 0 || p->failed_sessions > 0)
			print_policy_failures(cli, p, by);
	}
	print_deviations(cli, &r->deviations);
}
