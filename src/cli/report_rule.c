/* SPDX-License-Identifier: Apache-2.0 */
/* report_rule: what becomes of reports that nothing proves. */
#include "base/bug.h"
#include "cli/client.h"
#include "cli/report_query.h"
#include "cli/report_rule.h"

#include "base/poison.h"

#define PATH "/api/v1/reports/rule"
#define BODY_BYTES_MAX 4096u

const struct arg_row report_rule_options[] = {
	{ "mail", "WHAT",
		"mail without a good signature: accept, quarantine or ignore",
		0, false },
	{ "post", "WHAT", "reports over HTTPS: the same words", 0, false },
	REPORT_TENANT,
	{},
};

static bool is_rule(const char *word)
{
	struct str s = str_of(word);

	return word == NULL || str_eq(s, STR("accept")) ||
	       str_eq(s, STR("quarantine")) || str_eq(s, STR("ignore"));
}

static struct str body_of(struct cli *cli, const char *mail, const char *post)
{
	struct sbuf b = sbuf_arena(cli->arena, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	if (mail != NULL)
		json_put_z(&w, "mail", mail);
	if (post != NULL)
		json_put_z(&w, "post", post);
	json_close_object(&w);
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

static void print_counts(
	struct cli *cli, const char *what, const struct json *counts)
{
	(void)fprintf(cli->out,
		"%s: %lld accepted, %lld quarantined, %lld ignored\n", what,
		(long long)client_int(counts, "accepted"),
		(long long)client_int(counts, "quarantined"),
		(long long)client_int(counts, "ignored"));
}

int report_rule_run(struct cli *cli, const struct args *args)
{
	const char *mail = args_get(args, "mail");
	const char *post = args_get(args, "post");
	struct report_query q = report_query_begin(cli, PATH);
	struct client_call call = { .method = "GET" };
	const struct json *answer;
	int code = report_query_tenant(cli, args, &q);

	if (code != CLI_GOOD)
		return code;
	if (!is_rule(mail) || !is_rule(post))
		return cli_usage(cli, "--mail and --post must be accept, "
				      "quarantine or ignore");
	call.path = report_query_path(&q);
	if (mail != NULL || post != NULL) {
		call.method = "POST";
		call.body = body_of(cli, mail, post);
	}
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	(void)fprintf(cli->out,
		"mail without a good signature: %s\n"
		"reports over HTTPS: %s\n",
		client_text(cli, answer, "mail"),
		client_text(cli, answer, "post"));
	print_counts(cli, "proven so far", json_get(answer, "proven"));
	print_counts(cli, "not proven so far", json_get(answer, "unproven"));
	return code;
}
