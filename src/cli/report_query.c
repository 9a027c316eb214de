/* SPDX-License-Identifier: Apache-2.0 */
/* report_query: paths of the API from options. */
#include "base/bug.h"
#include "cli/report_query.h"
#include "proto/host_name.h"

#include "base/poison.h"

#define PATH_MAX_BYTES (8u << 20) /* more than a command line has */
#define LIMIT_MAX 1000
#define TENANT_MAX_BYTES 63u

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

int report_query_domain(
	struct cli *cli, const struct args *args, struct report_query *q)
{
	const char *domain = args_get(args, "domain");
	struct str name;
	struct err e = {};

	if (domain == NULL)
		return CLI_GOOD;
	if (host_name_parse(cli->arena, str_of(domain), &name, &e) != ST_OK)
		return cli_usage(cli, "%s: %s", domain, e.text);
	report_query_add(q, "domain", arena_str(cli->arena, name).p);
	return CLI_GOOD;
}

int report_query_limit(
	struct cli *cli, const struct args *args, struct report_query *q)
{
	struct err e = {};
	int64_t limit;

	if (args_int(args, "limit", 1, LIMIT_MAX, &limit, &e) != ST_OK)
		return cli_usage(cli, "%s", e.text);
	report_query_add(q, "limit", args_get(args, "limit"));
	return CLI_GOOD;
}

static bool is_tenant(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_digit(s.p[i]) && s.p[i] != '-' &&
			(s.p[i] < 'a' || s.p[i] > 'z'))
			return false;
	return s.n > 0 && s.n <= TENANT_MAX_BYTES;
}

int report_query_tenant(
	struct cli *cli, const struct args *args, struct report_query *q)
{
	const char *tenant = args_get(args, "tenant");

	if (tenant != NULL && !is_tenant(str_of(tenant)))
		return cli_usage(cli,
			"--tenant: a tenant has a-z, 0-9 and - in its name");
	report_query_add(q, "tenant", tenant);
	return CLI_GOOD;
}

int report_query_days(
	struct cli *cli, const struct args *args, struct report_query *q)
{
	int code = report_query_domain(cli, args, q);

	if (code != CLI_GOOD)
		return code;
	report_query_add(q, "from", args_get(args, "from"));
	report_query_add(q, "to", args_get(args, "to"));
	return report_query_tenant(cli, args, q);
}

struct str report_query_path(const struct report_query *q)
{
	BUG(!sbuf_ok(&q->b));
	return sbuf_str(&q->b);
}
