/* SPDX-License-Identifier: Apache-2.0 */
/* domain_set: only what is given is sent; moatd leaves the rest as it is. */
#include "cli/client.h"
#include "cli/domain_set.h"

#include "base/poison.h"

#define BODY_BYTES_MAX 65536u

const struct arg_row domain_set_options[] = {
	{ "max-age", "SECONDS", "how long senders keep the policy", 0, false },
	{ "rua-https", NULL, "ask for reports over HTTPS", 0, false },
	{ "no-rua-https", NULL, "do not", 0, false },
	{ "rua-mail", NULL, "ask for reports by mail to moat", 0, false },
	{ "no-rua-mail", NULL, "do not", 0, false },
	{ "rua-extra", "URI", "where else reports go, instead of so far", 0,
		true },
	{ "no-rua-extra", NULL, "nowhere else", 0, false },
	{},
};

/* Options that exclude each other. */
static const struct {
	const char *yes, *no, *member; /* member: a flag of the API */
} pairs[] = {
	{ "rua-https", "no-rua-https", "rua_https" },
	{ "rua-mail", "no-rua-mail", "rua_mail" },
	{ "rua-extra", "no-rua-extra", NULL },
};

#define N_PAIRS (sizeof(pairs) / sizeof(*pairs))

/* Is something to be changed, and each thing in one way? */
static int check(struct cli *cli, const struct args *args, int64_t *max_age)
{
	bool any = args_flag(args, "max-age");
	struct err e = {};

	if (args->words.n != 1)
		return cli_usage(cli, "exactly one domain is needed");
	for (size_t i = 0; i < N_PAIRS; i++) {
		bool yes = args_flag(args, pairs[i].yes);
		bool no = args_flag(args, pairs[i].no);

		if (yes && no)
			return cli_usage(cli, "--%s and --%s cannot both be",
				pairs[i].yes, pairs[i].no);
		any |= yes || no;
	}
	if (!any)
		return cli_usage(cli, "say what to change");
	if (args_int(args, "max-age", 3600, 31557600, max_age, &e) != ST_OK)
		return cli_usage(cli, "%s", e.text);
	return CLI_GOOD;
}

static struct str body_of(
	struct cli *cli, const struct args *args, int64_t max_age)
{
	struct sbuf b = sbuf_arena(cli->arena, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);
	const char **uris;
	size_t n = args_all(args, "rua-extra", &uris);

	json_open_object(&w, NULL);
	if (max_age != 0)
		json_put_int(&w, "max_age", max_age);
	for (size_t i = 0; i < N_PAIRS; i++) {
		bool yes = args_flag(args, pairs[i].yes);

		if (pairs[i].member != NULL &&
			(yes || args_flag(args, pairs[i].no)))
			json_put_bool(&w, pairs[i].member, yes);
	}
	if (n > 0 || args_flag(args, "no-rua-extra")) {
		json_open_array(&w, "rua_extra");
		for (size_t i = 0; i < n; i++)
			json_put_z(&w, NULL, uris[i]);
		json_close_array(&w);
	}
	json_close_object(&w);
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

/* The extra addresses, each after a comma unless it is the first. */
static void print_extra(
	struct cli *cli, const struct json *list, const char *comma)
{
	const struct json *v = list != NULL ? list->first : NULL;

	for (; v != NULL; v = v->next) {
		struct sbuf b = sbuf_arena(cli->arena, 4096);

		sbuf_escaped(&b, json_str(v));
		(void)fprintf(cli->out, "%s%.*s", comma, STR_ARG(sbuf_str(&b)));
		comma = ", ";
	}
}

static void print_result(struct cli *cli, const struct json *d)
{
	const struct json *extra = json_get(d, "rua_extra");
	bool mail = json_true(json_get(d, "rua_mail"));
	bool https = json_true(json_get(d, "rua_https"));
	const char *ways = mail && https ? "moat by mail and HTTPS"
			   : mail	 ? "moat by mail"
			   : https	 ? "moat over HTTPS"
					 : "";

	(void)fprintf(cli->out,
		"%s: senders keep the policy for %lld seconds.\n",
		client_text(cli, d, "name"),
		(long long)client_int(d, "max_age"));
	if (!mail && !https && (extra == NULL || extra->count == 0)) {
		(void)fprintf(cli->out, "  Nobody is asked for TLS reports: "
					"there is no TLSRPT record.\n");
		return;
	}
	(void)fprintf(cli->out, "  TLS reports go to %s", ways);
	print_extra(cli, extra, ways[0] == '\0' ? "" : ", ");
	(void)fprintf(cli->out, ".\n");
}

int domain_set_run(struct cli *cli, const struct args *args)
{
	struct client_call call = { .method = "POST" };
	const struct json *d;
	int64_t max_age = 0;
	int code = check(cli, args, &max_age);

	if (code != CLI_GOOD)
		return code;
	call.path = client_domain_path(cli, args->words.items[0], "options");
	if (call.path.p == NULL)
		return CLI_USAGE;
	call.body = body_of(cli, args, max_age);
	if (call.body.p == NULL)
		return cli_usage(cli, "the report addresses are too long");
	code = client_do(cli, &call, &d);
	if (code == CLI_GOOD && !cli->json)
		print_result(cli, d);
	return code;
}
