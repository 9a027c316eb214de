/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status: moat status: roles, view, certificates, spool, policies, versions.
 * Of a machine without the role console the supervisor's file tells of the
 * roles, and the role policy of itself.
 */
#include "api/settings.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"

#include "base/poison.h"

#define BEHIND_CHANGES 1000 /* a view this far behind is in trouble */
#define FILE_BYTES_MAX (1u << 20)

static bool has_expired(const struct json *s)
{
	const struct json *c = json_get(s, "certificates");

	return json_get(c, "next_host") != NULL &&
	       client_int(c, "next_not_after") <= client_int(s, "now");
}

static bool are_up(const struct json *s)
{
	const struct json *r = json_get(s, "roles");
	bool good = r != NULL;

	for (r = good ? r->first : NULL; r != NULL; r = r->next)
		good &= str_eq(json_get_str(r, "state"), STR("up"));
	return good;
}

/*
 * Are all roles up, has every node applied nearly all changes, and are all
 * certificates good?
 */
static bool is_good(const struct json *s)
{
	const struct json *view = json_get(s, "view");
	const struct json *n = json_get(view, "nodes");
	int64_t changes = client_int(view, "changes");
	bool good = are_up(s) && n != NULL && n->count > 0;

	good = good && !has_expired(s);
	for (n = good ? n->first : NULL; n != NULL; n = n->next)
		good &= json_true(json_get(n, "alive")) &&
			changes - client_int(n, "applied") < BEHIND_CHANGES;
	return good;
}

static bool mailboxes_are_good(const struct json *s)
{
	const struct json *m = json_first(s, "mailboxes");
	bool good = true;

	for (; m != NULL; m = m->next)
		good &= client_int(m, "failures") == 0;
	return good;
}

static void print_mailboxes(struct cli *cli, const struct json *s)
{
	const struct json *m = json_first(s, "mailboxes");

	for (; m != NULL; m = m->next)
		(void)fprintf(cli->out,
			"Mailbox %s: %lld mails taken, last %s%s%s\n",
			client_text(cli, m, "name"),
			(long long)client_int(m, "taken"),
			client_time(cli, client_int(m, "pulled")),
			client_int(m, "failures") > 0 ? "; " : "",
			client_text(cli, m, "error"));
}

static void print_roles(struct cli *cli, const struct json *s)
{
	static const char *const heads[] = { "ROLE", "STATE", ">RESTARTS",
		"SINCE", "LAST END" };
	struct table t = table_of(cli->arena, heads, 5);
	const struct json *r = json_first(s, "roles");

	for (; r != NULL; r = r->next) {
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
			"View of %s: at change %lld, %lld behind, zone serial "
			"%lld, %sseen %s\n",
			client_text(cli, n, "name"),
			(long long)client_int(n, "applied"),
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
	print_mailboxes(cli, s);
}

/* ---- the sending side */

/* Is there anything about policies that somebody should look at? */
static bool policy_is_good(const struct json *p)
{
	return !str_eq(json_get_str(p, "dnssec"), STR("broken"));
}

static void print_policy(struct cli *cli, const struct json *p)
{
	const struct json *cache = json_get(p, "cache");
	const char *why = client_text(cli, p, "dnssec_why");

	(void)fprintf(cli->out,
		"Policies: %lld cached, %lld rule%s; %lld request%s since %s\n",
		(long long)client_int(cache, "entries"),
		(long long)client_int(cache, "rules"),
		client_int(cache, "rules") == 1 ? "" : "s",
		(long long)client_int(p, "requests"),
		client_int(p, "requests") == 1 ? "" : "s",
		client_time(cli, client_int(p, "started_at")));
	(void)fprintf(cli->out, "DNSSEC for DANE: %s%s%s\n",
		client_text(cli, p, "dnssec"), why[0] != '\0' ? ": " : "", why);
}

/* What the supervisor says of the roles. */
static enum status read_roles(struct cli *cli, const struct settings *set,
	const struct json **out, struct err *e)
{
	struct str path = settings_run_path(set, cli->arena, SETTINGS_STATUS);
	struct json *tree = NULL;
	struct str text;
	enum status st = cli_read(cli, path.p, FILE_BYTES_MAX, &text, e);

	if (st != ST_OK) {
		err_prefix(e, "moatd is not running here");
		return st;
	}
	st = json_parse(cli->arena, text, JSON_LIMITS_DEFAULT, &tree, NULL, e);
	*out = tree;
	return st;
}

static void print_json(
	struct cli *cli, const struct json *s, const struct json *policy)
{
	struct sbuf b;
	struct json_writer w = cli_json_begin(cli, &b);

	json_open_object(&w, NULL);
	for (const struct json *v = s->first; v != NULL; v = v->next)
		json_put_tree(&w, arena_str(cli->arena, v->name).p, v);
	if (policy != NULL)
		json_put_tree(&w, "policy", policy);
	json_close_object(&w);
	cli_json_end(cli, &b);
}

/* The whole machine, or of one without console what there is. */
static int show(
	struct cli *cli, const struct settings *set, bool console, bool sends)
{
	struct client_call all = {
		.method = "GET", .path = STR("/api/v1/status"), .quiet = true
	};
	struct client_call policy = { .socket = SETTINGS_POLICY_SOCKET,
		.method = "GET",
		.path = STR("/v1/status"),
		.quiet = true };
	const struct json *s = NULL, *p = NULL;
	struct err e = {};
	int code = CLI_GOOD;
	bool good;

	if (console)
		code = client_do(cli, &all, &s);
	else if (read_roles(cli, set, &s, &e) != ST_OK)
		return cli_failed_remedy(cli, &e,
			"start moatd, or name its configuration file with -c");
	if (code == CLI_GOOD && sends)
		code = client_do(cli, &policy, &p);
	if (code != CLI_GOOD)
		return code;
	good = (console ? is_good(s) && mailboxes_are_good(s) : are_up(s)) &&
	       (!sends || policy_is_good(p));
	if (cli->json) {
		print_json(cli, s, p);
	} else if (console) {
		print_all(cli, s);
	} else {
		(void)fprintf(cli->out, "moatd %s\n\n",
			client_text(cli, s, "version"));
		print_roles(cli, s);
		(void)fprintf(cli->out, "\n");
	}
	if (!cli->json && sends)
		print_policy(cli, p);
	return good ? CLI_GOOD : CLI_WARNINGS;
}

static bool runs(const struct settings *set, const char *role)
{
	size_t n;
	const struct str *list = settings_list(set, "server.roles", &n);

	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i], str_of(role)))
			return true;
	return false;
}

static int run(struct cli *cli, const struct args *args)
{
	struct settings *set = NULL;
	struct err e = {};
	int code;

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	if (client_settings(cli, &set, &e) != ST_OK)
		return cli_failed_remedy(cli, &e,
			"correct the configuration file, or name another with "
			"-c");
	/* Where no role says anything, the API is what people expect. */
	code = show(cli, set, runs(set, "console") || !runs(set, "policy"),
		runs(set, "policy"));
	settings_free(&set);
	return code;
}

const struct command cmd_status = {
	.name = "status",
	.words = "",
	.summary =
		"Roles, view, spool, policies and versions of the running moat",
	.run = run,
};
