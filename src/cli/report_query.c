/* SPDX-License-Identifier: Apache-2.0 */
/* report_query: paths of /api/v1/reports from options. */
#include "base/bug.h"
#include "cli/report_import.h"
#include "cli/report_query.h"
#include "proto/host_name.h"

#include "base/poison.h"

#define PATH_MAX_BYTES 16384u

struct report_query report_query_begin(struct cli *cli, const char *path)
{
	struct report_query q = { sbuf_arena(cli->arena, PATH_MAX_BYTES), '?' };

	sbuf_addz(&q.b, path);
	return q;
}

void report_query_add(
	struct report_query *q, const char *name, const char *value)
{
	struct str s = str_of(value == NULL ? "" : value);

	if (value == NULL)
		return;
	sbuf_fmt(&q->b, "%c%s=", q->next, name);
	q->next = '&';
	for (size_t i = 0; i < s.n; i++)
		if (chr_is_alnum(s.p[i]) ||
			str_index(STR("-._~:"), s.p[i]) >= 0)
			sbuf_addc(&q->b, s.p[i]);
		else
			sbuf_fmt(&q->b, "%%%02X", (unsigned char)s.p[i]);
}

int report_query_tenant(
	struct cli *cli, const struct args *args, struct report_query *q)
{
	const char *tenant = args_get(args, "tenant");

	if (tenant != NULL && !report_is_tenant(str_of(tenant)))
		return cli_usage(cli, REPORT_TENANT_USAGE);
	report_query_add(q, "tenant", tenant);
	return CLI_GOOD;
}

int report_query_days(
	struct cli *cli, const struct args *args, struct report_query *q)
{
	const char *domain = args_get(args, "domain");
	struct str name;
	struct err e = {};

	if (domain != NULL &&
		host_name_parse(cli->arena, str_of(domain), &name, &e) != ST_OK)
		return cli_usage(cli, "%s: %s", domain, e.text);
	if (domain != NULL)
		report_query_add(q, "domain", arena_str(cli->arena, name).p);
	report_query_add(q, "from", args_get(args, "from"));
	report_query_add(q, "to", args_get(args, "to"));
	return report_query_tenant(cli, args, q);
}

struct str report_query_path(const struct report_query *q)
{
	BUG(!sbuf_ok(&q->b));
	return sbuf_str(&q->b);
}
