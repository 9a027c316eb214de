/* SPDX-License-Identifier: Apache-2.0 */
/* status: moat status: roles, view, certificates, spool, versions. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"

#include "base/poison.h"

#define BEHIND_CHANGES 1000 /* a view this far behind is in trouble */

static bool has_expired(const struct json *s)
{
	const struct json *c = json_get(s, "certificates");

	return json_get(c, "next_host") != NULL &&
	       client_int(c, "next_not_after") <= client_int(s, "now");
}

/*
 * Are all roles up, has every node applied nearly all changes, and are all
 * certificates good?
 */
static bool is_good(const struct json *s)
{
	const struct json *r = json_get(s, "roles");
	const struct json *view = json_get(s, "view");
	const struct json *n = json_get(view, "nodes");
	int64_t changes = client_int(view, "changes");
	bool good = r != NULL && n != NULL && n->count > 0;

	good = good && !has_expired(s);
	for (r = good ? r->first : NULL; r != NULL; r = r->next)
		good &= str_eq(json_get_str(r, "state"), STR("up"));
	for (n = good ? n->first : NULL; n != NULL; n = n->next)
		good &= json_true(json_get(n, "alive")) &&
			changes - client_int(n, "applied") < BEHIND_CHANGES;
	return good;
}

static void print_roles(struct cli *cli, const struct json *s)
{
	static const char *const heads[] = { "ROLE", "STATE", ">RESTARTS",
		"SINCE", "LAST END" };
	struct table t = table_of(cli->arena, heads, 5);
	const struct json *r = json_get(s, "roles");

	for (r = r != NULL ? r->first : NULL; r != NULL; r = r->next) {
		struct table_row *row = table_add(&t);

		row->cells[0] = arena_fmt(cli->arena, "%s/%lld",
			client_text(cli, r, "role"),
			(long long)client_int(r, "worker"));
		row->cells[1] = table_text(&t, json_get_str(r, "state"));
		row->cells[2] = table_number(&t, client_int(r, "restarts"));
		row->cells[3] = str_of(
			client_time(cli, client_int(r, "since")));
		row->cells[4] = table_text(&t, json_get_str(r, "last_end"));
	}
	table_print(cli, &t, "");
}

static void print_view(struct cli *cli, const struct json *s)
{
	const struct json *view = json_get(s, "view");
	const struct json *n = json_get(view, "nodes");
	int64_t changes = client_int(view, "changes");

	if (n == NULL || n->count == 0) {
		(void)fprintf(cli->out,
			"View: nobody has applied the database's changes yet "
			"(is the role keeper up?)\n");
		return;
	}
	for (n = n->first; n != NULL; n = n->next)
		(void)fprintf(cli->out,
			"View of %s: %lld changes behind, zone serial %lld, "
			"%sseen %s\n",
			client_text(cli, n, "name"),
			(long long)(changes - client_int(n, "applied")),
			(long long)client_int(n, "zone_serial"),
			json_true(json_get(n, "alive")) ? "" : "not alive, ",
			client_time(cli, client_int(n, "seen")));
}

static void print_certs(struct cli *cli, const struct json *s)
{
	const struct json *c = json_get(s, "certificates");
	const struct json *orders = json_get(s, "orders");

	if (c == NULL)
		return;
	(void)fprintf(cli->out, "Certificates: %lld",
		(long long)client_int(c, "count"));
	if (json_get(c, "next_host") != NULL)
		(void)fprintf(cli->out, ", the first to %s is that of %s, %s",
			has_expired(s) ? "have expired" : "expire",
			client_text(cli, c, "next_host"),
			client_time(cli, client_int(c, "next_not_after")));
	(void)fprintf(cli->out, "\nOrders: %lld queued, %lld failing\n",
		(long long)client_int(orders, "queued"),
		(long long)client_int(c, "failing"));
}

static void print_all(struct cli *cli, const struct json *s)
{
	const struct json *spool = json_get(s, "spool");

	(void)fprintf(cli->out, "moatd %s, zone %s, %lld domain%s\n",
		client_text(cli, s, "version"), client_text(cli, s, "zone"),
		(long long)client_int(s, "domains"),
		client_int(s, "domains") == 1 ? "" : "s");
	(void)fprintf(cli->out, "Its clock: %s\n\n",
		client_time(cli, client_int(s, "now")));
	print_roles(cli, s);
	(void)fprintf(cli->out, "\n");
	print_view(cli, s);
	print_certs(cli, s);
	if (spool != NULL)
		(void)fprintf(cli->out,
			"Spool: %lld reports wait, %lld could not be read\n",
			(long long)client_int(spool, "waiting"),
			(long long)client_int(spool, "unreadable"));
}

static int run(struct cli *cli, const struct args *args)
{
	struct client_call call = { .method = "GET",
		.path = STR("/api/v1/status") };
	const struct json *s;
	int code;

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	code = client_do(cli, &call, &s);
	if (code != CLI_GOOD)
		return code;
	if (!cli->json)
		print_all(cli, s);
	return is_good(s) ? CLI_GOOD : CLI_WARNINGS;
}

const struct command cmd_status = {
	.name = "status",
	.words = "",
	.summary = "Roles, view, spool, clock and versions of the running moat",
	.run = run,
};
