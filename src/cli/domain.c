/* SPDX-License-Identifier: Apache-2.0 */
/* domain: moat domain add|list|show|dns|mode|mx|recheck|set|retire|remove. */
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/domain_list.h"
#include "cli/domain_set.h"

#include "base/poison.h"

#define BODY_BYTES_MAX 65536u

/* ---- bodies */

struct body {
	struct sbuf text;
	struct json_writer w;
};

static void body_open(struct cli *cli, struct body *b)
{
	b->text = sbuf_arena(cli->arena, BODY_BYTES_MAX);
	b->w = json_writer_of(&b->text, 0);
	json_open_object(&b->w, NULL);
}

static void body_list(struct body *b, const struct args *args, const char *name)
{
	const char **values;
	size_t n = args_all(args, name, &values);

	if (n == 0)
		return;
	json_open_array(&b->w, name);
	for (size_t i = 0; i < n; i++)
		json_put_z(&b->w, NULL, values[i]);
	json_close_array(&b->w);
}

static struct str body_close(struct body *b)
{
	json_close_object(&b->w);
	return sbuf_str(&b->text);
}

/* ---- text */

/* A record as a zone file has it, so that it can be copied from here. */
static void print_record(struct cli *cli, const struct json *r)
{
	bool txt = str_eq(json_get_str(r, "type"), STR("TXT"));

	(void)fprintf(cli->out, "%s. %s %s%s%s", client_text(cli, r, "owner"),
		client_text(cli, r, "type"), txt ? "\"" : "",
		client_text(cli, r, "value"), txt ? "\"" : ".");
}

static void print_records(struct cli *cli, const struct json *d, bool optional)
{
	const struct json *r = json_first(d, "records");

	for (; r != NULL; r = r->next) {
		if (json_true(json_get(r, "optional")) != optional)
			continue;
		(void)fprintf(cli->out, "  ");
		print_record(cli, r);
		(void)fprintf(cli->out, "\n");
	}
}

static const char *state_color(struct cli *cli, const char *state)
{
	if (strcmp(state, "needs attention") == 0)
		return cli_red(cli);
	if (strcmp(state, "testing") == 0 || strcmp(state, "enforcing") == 0)
		return cli_green(cli);
	return cli_yellow(cli);
}

static void print_state(struct cli *cli, const struct json *d)
{
	const char *state = client_text(cli, d, "state");

	(void)fprintf(cli->out, "%s%s%s: %s%s%s\n", cli_bold(cli),
		client_text(cli, d, "name"), cli_plain(cli),
		state_color(cli, state), state, cli_plain(cli));
	(void)fprintf(cli->out, "  %s\n", client_text(cli, d, "sentence"));
	(void)fprintf(cli->out, "  Next: %s\n", client_text(cli, d, "next"));
}

static void print_strs(
	struct cli *cli, const char *head, const struct json *list)
{
	if (list == NULL || list->count == 0)
		return;
	(void)fprintf(cli->out, "%s", head);
	for (const struct json *v = list->first; v != NULL; v = v->next) {
		struct sbuf b = sbuf_arena(cli->arena, 4096);

		sbuf_escaped(&b, json_str(v));
		(void)fprintf(cli->out, " %.*s", STR_ARG(sbuf_str(&b)));
	}
	(void)fprintf(cli->out, "\n");
}

static void print_cert(struct cli *cli, const struct json *d)
{
	const struct json *cert = json_get(d, "certificate");
	const struct json *order = json_get(d, "order");

	if (cert != NULL)
		(void)fprintf(cli->out,
			"  Certificate: from %s, until %s, renewed after %s\n",
			client_text(cli, cert, "issuer"),
			client_time(cli, client_int(cert, "not_after")),
			client_time(cli, client_int(cert, "renew_at")));
	if (order == NULL || json_get_str(order, "problem").n == 0)
		return;
	(void)fprintf(cli->out,
		"  Last problem of the certificate authority (%s):\n    %s\n",
		client_time(cli, client_int(order, "problem_at")),
		client_text(cli, order, "problem"));
	if (client_int(order, "next_at") != 0)
		(void)fprintf(cli->out, "  Next attempt: %s\n",
			client_time(cli, client_int(order, "next_at")));
}

/* ---- one domain by name: most verbs */

static int one_name(struct cli *cli, const struct args *args)
{
	if (args->words.n == 1)
		return CLI_GOOD;
	return cli_usage(cli, "exactly one domain is needed");
}

/* Calls a verb on the domain and prints where it stands then. */
static int change(struct cli *cli, const struct args *args, const char *method,
	const char *verb, struct str body)
{
	struct client_call call = { .method = method, .body = body };
	const struct json *d;
	int code;

	call.path = client_domain_path(cli, args->words.items[0], verb);
	if (call.path.p == NULL)
		return CLI_USAGE;
	code = client_do(cli, &call, &d);
	if (code == CLI_GOOD && !cli->json)
		print_state(cli, d);
	return code;
}

static struct str force_body(struct cli *cli, const struct args *args)
{
	struct body b;

	body_open(cli, &b);
	json_put_bool(&b.w, "force", args_flag(args, "force"));
	return body_close(&b);
}

/* ---- verbs */

static const struct arg_row add_options[] = {
	{ "mx", "HOST", "the MX hosts, instead of asking DNS", 0, true },
	{ "confirm-mx", NULL, "take the MX hosts as DNS gives them", 0, false },
	{ "max-age", "SECONDS", "how long senders keep the policy", 0, false },
	{ "rua-https", NULL, "ask for reports over HTTPS too", 0, false },
	{},
};

/* Mail to a host that is not on the list is lost under enforce. */
static void print_confirm(struct cli *cli, const struct json *d)
{
	const char *name = client_text(cli, d, "name");
	const struct json *mx = json_get(d, "mx");
	const struct json *proposed = json_get(d, "mx_proposed");

	if ((mx == NULL || mx->count == 0) &&
		(proposed == NULL || proposed->count == 0))
		(void)fprintf(cli->out,
			"%sDNS did not tell the MX hosts of %s.%s There is no "
			"policy before you name them:\n  moat domain mx %s "
			"--mx HOST...\n",
			cli_yellow(cli), name, cli_plain(cli), name);
	else
		(void)fprintf(cli->out,
			"%sAre these all hosts that take mail for %s?%s There "
			"is no policy before you say so:\n  moat domain mx %s "
			"--confirm   (or --mx HOST... to name others)\n",
			cli_yellow(cli), name, cli_plain(cli), name);
}

static void print_added(struct cli *cli, const struct json *d)
{
	const char *name = client_text(cli, d, "name");

	(void)fprintf(
		cli->out, "%s is added. Publish these in its DNS:\n\n", name);
	print_records(cli, d, false);
	(void)fprintf(cli->out,
		"\nOptional: for the certificate before the switch, and for "
		"a mta-sts.%s\nthat cannot be a CNAME:\n\n",
		name);
	print_records(cli, d, true);
	(void)fprintf(cli->out, "\n");
	print_strs(cli, "MX hosts:", json_get(d, "mx"));
	print_strs(cli, "DNS says:", json_get(d, "mx_proposed"));
	if (!json_true(json_get(d, "mx_confirmed")))
		print_confirm(cli, d);
	(void)fprintf(cli->out,
		"\nWhat happens next, by itself: moat sees the records within "
		"seconds to minutes,\norders the certificate, and serves the "
		"policy in mode testing, which loses no mail.\nSee how far it "
		"is:  moat domain show %s\n",
		name);
}

static int run_add(struct cli *cli, const struct args *args)
{
	struct client_call call = { .method = "POST",
		.path = STR("/api/v1/domains") };
	const struct json *d;
	int64_t max_age = 0;
	struct err e = {};
	struct body b;
	int code = one_name(cli, args);

	if (code != CLI_GOOD)
		return code;
	if (client_domain_path(cli, args->words.items[0], NULL).p == NULL)
		return CLI_USAGE;
	if (args_int(args, "max-age", 3600, 31557600, &max_age, &e) != ST_OK)
		return cli_usage(cli, "%s", e.text);
	body_open(cli, &b);
	json_put_z(&b.w, "name", args->words.items[0]);
	body_list(&b, args, "mx");
	json_put_bool(&b.w, "mx_confirmed", args_flag(args, "confirm-mx"));
	json_put_bool(&b.w, "rua_https", args_flag(args, "rua-https"));
	if (max_age != 0)
		json_put_int(&b.w, "max_age", max_age);
	call.body = body_close(&b);
	code = client_do(cli, &call, &d);
	if (code == CLI_GOOD && !cli->json)
		print_added(cli, d);
	return code;
}

static int run_show(struct cli *cli, const struct args *args)
{
	struct client_call call = { .method = "GET" };
	const struct json *d;
	int code = one_name(cli, args);

	if (code != CLI_GOOD)
		return code;
	call.path = client_domain_path(cli, args->words.items[0], NULL);
	if (call.path.p == NULL)
		return CLI_USAGE;
	code = client_do(cli, &call, &d);
	if (code != CLI_GOOD || cli->json)
		return code;
	print_state(cli, d);
	(void)fprintf(cli->out, "  Policy: mode %s, max_age %lld s, id %s\n",
		client_text(cli, d, "mode"),
		(long long)client_int(d, "max_age"),
		json_get_str(d, "policy_id").n == 0
			? "none yet"
			: client_text(cli, d, "policy_id"));
	print_strs(cli, "  MX hosts in the policy:", json_get(d, "mx"));
	print_strs(cli, "  MX hosts DNS has now:", json_get(d, "mx_proposed"));
	print_cert(cli, d);
	(void)fprintf(cli->out, "  DNS last looked at: %s\n",
		client_time(cli, client_int(d, "proof_checked")));
	return CLI_GOOD;
}

static const char *result_mark(const struct json *r)
{
	struct str result = json_get_str(r, "result");

	if (str_eq(result, STR("pass")))
		return "ok  ";
	if (str_eq(result, STR("unknown")))
		return "??  ";
	return json_true(json_get(r, "optional")) ? "-   " : "NO  ";
}

/* The exit code tells scripts whether DNS is as it should be. */
static int run_dns(struct cli *cli, const struct args *args)
{
	struct client_call call = { .method = "GET" };
	int code = one_name(cli, args), verdict = CLI_GOOD;
	const struct json *d, *r;

	if (code != CLI_GOOD)
		return code;
	call.path = client_domain_path(cli, args->words.items[0], "dns");
	if (call.path.p == NULL)
		return CLI_USAGE;
	code = client_do(cli, &call, &d);
	if (code != CLI_GOOD)
		return code;
	r = json_get(d, "records");
	for (r = r != NULL ? r->first : NULL; r != NULL; r = r->next) {
		bool optional = json_true(json_get(r, "optional"));
		struct str result = json_get_str(r, "result");

		if (str_eq(result, STR("fail")) && !optional)
			verdict = CLI_ERRORS;
		if (str_eq(result, STR("unknown")) && !optional &&
			verdict == CLI_GOOD)
			verdict = CLI_UNTESTED;
		if (cli->json)
			continue;
		(void)fprintf(cli->out, "%s", result_mark(r));
		print_record(cli, r);
		(void)fprintf(
			cli->out, "%s\n", optional ? "   (optional)" : "");
		if (!str_eq(result, STR("pass")))
			(void)fprintf(cli->out, "      %s\n",
				client_text(cli, r, "detail"));
	}
	return verdict;
}

static const struct arg_row force_options[] = {
	{ "force", NULL, "do it although it could lose mail", 0, false },
	{},
};

static int run_mode(struct cli *cli, const struct args *args)
{
	struct body b;

	if (args->words.n != 2)
		return cli_usage(cli, "a domain and a mode are needed: none, "
				      "testing or enforce");
	body_open(cli, &b);
	json_put_z(&b.w, "mode", args->words.items[1]);
	json_put_bool(&b.w, "force", args_flag(args, "force"));
	return change(cli, args, "POST", "mode", body_close(&b));
}

static const struct arg_row mx_options[] = {
	{ "mx", "HOST", "the MX hosts of the policy", 0, true },
	{ "confirm", NULL, "take the MX hosts as DNS gives them", 0, false },
	{ "force", NULL, "do it although it could lose mail", 0, false },
	{},
};

static int run_mx(struct cli *cli, const struct args *args)
{
	const char **values;
	struct body b;
	int code = one_name(cli, args);

	if (code != CLI_GOOD)
		return code;
	if ((args_all(args, "mx", &values) > 0) == args_flag(args, "confirm"))
		return cli_usage(
			cli, "exactly one of --confirm and --mx is needed");
	body_open(cli, &b);
	body_list(&b, args, "mx");
	json_put_bool(&b.w, "force", args_flag(args, "force"));
	return change(cli, args, "POST", "mx", body_close(&b));
}

static int run_recheck(struct cli *cli, const struct args *args)
{
	int code = one_name(cli, args);

	if (code != CLI_GOOD)
		return code;
	code = change(cli, args, "POST", "recheck", STR("{}"));
	if (code == CLI_GOOD && !cli->json)
		(void)fprintf(cli->out,
			"  This is how it stood. moat looks at its DNS now; "
			"moat domain show %s says what it found.\n",
			args->words.items[0]);
	return code;
}

static int run_retire(struct cli *cli, const struct args *args)
{
	int code = one_name(cli, args);

	if (code != CLI_GOOD)
		return code;
	return change(cli, args, "POST", "retire", force_body(cli, args));
}

static int run_remove(struct cli *cli, const struct args *args)
{
	struct client_call call = { .method = "DELETE" };
	const struct json *d;
	struct str path;
	int code = one_name(cli, args);

	if (code != CLI_GOOD)
		return code;
	path = client_domain_path(cli, args->words.items[0], NULL);
	if (path.p == NULL)
		return CLI_USAGE;
	call.path = arena_fmt(cli->arena, "%.*s%s", STR_ARG(path),
		args_flag(args, "force") ? "?force=yes" : "");
	code = client_do(cli, &call, &d);
	if (code == CLI_GOOD && !cli->json)
		print_state(cli, d);
	return code;
}

static const struct command verbs[] = {
	{ "add", "DOMAIN", "Begin to host a domain", add_options, NULL,
		run_add },
	{ "list", "", "All domains with their states", NULL, NULL,
		domain_list_run },
	{ "show", "DOMAIN", "Where a domain stands and what comes next", NULL,
		NULL, run_show },
	{ "dns", "DOMAIN", "The records it needs, and what DNS has now", NULL,
		NULL, run_dns },
	{ "mode", "DOMAIN none|testing|enforce",
		"Change the mode of the policy", force_options, NULL,
		run_mode },
	{ "mx", "DOMAIN", "Confirm or set the MX hosts of the policy",
		mx_options, NULL, run_mx },
	{ "recheck", "DOMAIN", "Look at its DNS again now", NULL, NULL,
		run_recheck },
	{ "retire", "DOMAIN",
		"Leave: mode none until no sender holds another policy",
		force_options, NULL, run_retire },
	{ "remove", "DOMAIN", "Stop hosting a domain at once", force_options,
		NULL, run_remove },
	{ "set", "DOMAIN", "Change max_age and where reports go",
		domain_set_options, NULL, domain_set_run },
	{},
};

const struct command cmd_domain = {
	.name = "domain",
	.words = "",
	.summary = "The hosted domains",
	.verbs = verbs,
};
