/* SPDX-License-Identifier: Apache-2.0 */
/* match: moat match HOST PATTERN..., RFC 8461 section 4.1. */
#include "cli/commands.h"
#include "proto/host_name.h"
#include "proto/sts_match.h"

#include "base/poison.h"

static void show(struct cli *cli, struct str host, const struct str *pattern)
{
	struct json_writer w;
	struct sbuf b;

	if (cli->json) {
		w = cli_json_begin(cli, &b);
		json_open_object(&w, NULL);
		json_put_str(&w, "host", host);
		json_put_bool(&w, "match", pattern != NULL);
		if (pattern != NULL)
			json_put_str(&w, "pattern", *pattern);
		json_close_object(&w);
		cli_json_end(cli, &b);
	} else if (pattern != NULL) {
		(void)fprintf(cli->out, "%.*s matches %.*s\n", STR_ARG(host),
			STR_ARG(*pattern));
	} else {
		(void)fprintf(cli->out,
			"%.*s matches no pattern: a policy with only these "
			"keeps mail from it (RFC 8461 section 4.1)\n",
			STR_ARG(host));
	}
}

static int run(struct cli *cli, const struct args *args)
{
	struct str *patterns;
	struct err e = {};
	struct str host;
	ptrdiff_t at;
	size_t n;

	if (args->words.n < 2)
		return cli_usage(
			cli, "a host and at least one pattern are needed");
	n = args->words.n - 1;
	patterns = arena_array(cli->arena, n, sizeof(*patterns));
	if (host_name_parse(cli->arena, str_of(args->words.items[0]), &host,
		    &e) != ST_OK)
		return cli_usage(cli, "%s: %s", args->words.items[0], e.text);
	for (size_t i = 0; i < n; i++) {
		patterns[i] = str_of(args->words.items[i + 1]);
		if (!sts_pattern_valid(patterns[i]))
			return cli_usage(cli,
				"\"%s\" is no pattern: a host name, or \"*.\" "
				"and a host name (RFC 8461 section 3.2)",
				args->words.items[i + 1]);
	}
	at = sts_match_any(host, patterns, n);
	show(cli, host, at < 0 ? NULL : &patterns[at]);
	return at < 0 ? 1 : CLI_GOOD;
}

const struct command cmd_match = {
	.name = "match",
	.words = "HOST PATTERN...",
	.summary = "Does an MX host match one of a policy's mx patterns",
	.run = run,
};
