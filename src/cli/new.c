/* SPDX-License-Identifier: Apache-2.0 */
/* new: moat new policy, a policy file and the records that go with it. */
#include "base/bug.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "proto/host_name.h"
#include "proto/sts_limits.h"
#include "proto/sts_match.h"
#include "proto/sts_policy.h"
#include "proto/sts_record.h"
#include "proto/tlsrpt_record.h"

#include "base/poison.h"

#define TEXT_BYTES_MAX (2 * STS_POLICY_BYTES_MAX)

/* What is printed. */
struct offer {
	struct sts_policy policy;
	struct str domain; /* "example.com", or "DOMAIN" to be filled in */
	struct str rua;	   /* a URI, or "mailto:tlsrpt@DOMAIN" */
	struct str id;
	struct str file; /* the policy's text */
};

static struct str lower(struct cli *cli, const char *s)
{
	struct str copy = arena_str(cli->arena, str_of(s));
	char *p = arena_alloc(cli->arena, copy.n + 1);

	BUG(p == NULL);
	str_lower(p, copy);
	return (struct str){ p, copy.n };
}

static int read_policy(
	struct cli *cli, const struct args *args, struct sts_policy *p)
{
	const char *mode = args_get(args, "mode");
	int64_t max_age = 604800;
	const char **mx = NULL;
	struct err e = {};

	if (mode == NULL || sts_mode_parse(str_of(mode), &p->mode) != ST_OK)
		return cli_usage(
			cli, "--mode must be none, testing or enforce");
	if (args_int(args, "max-age", 0, STS_MAX_AGE_MAX, &max_age, &e) !=
		ST_OK)
		return cli_usage(cli, "%s", e.text);
	p->max_age_s = (uint32_t)max_age;
	p->n_mx = args_all(args, "mx", &mx);
	if (p->n_mx == 0 && p->mode != STS_MODE_NONE)
		return cli_usage(cli,
			"--mx is missing: without a pattern no MX would do "
			"(RFC 8461 section 3.2)");
	p->mx = arena_array(cli->arena, p->n_mx, sizeof(*p->mx));
	BUG(p->mx == NULL);
	for (size_t i = 0; i < p->n_mx; i++) {
		p->mx[i] = lower(cli, mx[i]);
		if (!sts_pattern_valid(p->mx[i]))
			return cli_usage(cli,
				"--mx \"%s\" must be a host name, or \"*.\" "
				"and "
				"a host name (RFC 8461 section 3.2)",
				mx[i]);
	}
	p->outcome = STS_POLICY_VALID;
	return CLI_GOOD;
}

static int read_offer(struct cli *cli, const struct args *args, struct offer *o)
{
	const char *domain = args_get(args, "domain");
	const char *rua = args_get(args, "rua");
	enum tlsrpt_uri_fault fault;
	struct tlsrpt_uri uri;
	struct err e = {};

	o->domain = STR("DOMAIN");
	o->rua = STR("mailto:tlsrpt@DOMAIN");
	if (domain != NULL && host_name_parse(cli->arena, str_of(domain),
				      &o->domain, &e) != ST_OK)
		return cli_usage(cli, "--domain %s: %s", domain, e.text);
	if (domain != NULL)
		o->rua = arena_fmt(
			cli->arena, "mailto:tlsrpt@%.*s", STR_ARG(o->domain));
	if (rua == NULL)
		return CLI_GOOD;
	o->rua = str_of(rua);
	BUG(tlsrpt_uri_parse(cli->arena, o->rua, &uri, &fault) != ST_OK);
	if (fault != TLSRPT_URI_GOOD)
		return cli_usage(cli, "--rua %s %s (RFC 8460 section 3)", rua,
			tlsrpt_uri_fault_text(fault));
	return CLI_GOOD;
}

struct record {
	const char *owner; /* in front of the domain */
	const char *type;
	struct str data;
};

static void records_of(
	struct cli *cli, const struct offer *o, struct record records[3])
{
	struct sbuf sts = sbuf_arena(cli->arena, TEXT_BYTES_MAX);
	struct sbuf rpt = sbuf_arena(cli->arena, TEXT_BYTES_MAX);

	sts_record_write(&sts, o->id);
	tlsrpt_record_write(&rpt, &o->rua, 1);
	BUG(!sbuf_ok(&sts) || !sbuf_ok(&rpt));
	records[0] = (struct record){ "mta-sts", "A", STR("ADDRESS") };
	records[1] = (struct record){ "_mta-sts", "TXT", sbuf_str(&sts) };
	records[2] = (struct record){ "_smtp._tls", "TXT", sbuf_str(&rpt) };
}

/* TXT data as a zone file has it: strings of 255 bytes at most. */
static void print_txt(const struct cli *cli, struct str data)
{
	while (data.n > 0) {
		struct str part = str_upto(data, 255);

		(void)fprintf(cli->err, " \"%.*s\"", STR_ARG(part));
		data = str_from(data, part.n);
	}
}

/* The policy alone can be sent to a file: the rest is for people. */
static void print_text(struct cli *cli, const struct offer *o)
{
	struct record r[3];

	records_of(cli, o, r);
	(void)fprintf(cli->err,
		"Serve this as text/plain at https://mta-sts.%.*s"
		"/.well-known/mta-sts.txt\n\n",
		STR_ARG(o->domain));
	(void)fwrite(o->file.p, 1, o->file.n, cli->out);
	(void)fflush(cli->out);
	(void)fprintf(cli->err, "\nand then publish these records "
				"(ADDRESS is the web server's):\n\n");
	for (size_t i = 0; i < 3; i++) {
		(void)fprintf(cli->err, "%s.%.*s. %s", r[i].owner,
			STR_ARG(o->domain), r[i].type);
		if (str_eq(str_of(r[i].type), STR("TXT")))
			print_txt(cli, r[i].data);
		else
			(void)fprintf(cli->err, " %.*s", STR_ARG(r[i].data));
		(void)fprintf(cli->err, "\n");
	}
	(void)fprintf(cli->err,
		"\nWith each change of the file, change the id; the file "
		"first.\n");
}

static void print_json(struct cli *cli, const struct offer *o)
{
	struct json_writer w;
	struct record r[3];
	struct sbuf b;

	records_of(cli, o, r);
	w = cli_json_begin(cli, &b);
	json_open_object(&w, NULL);
	json_put_str(&w, "policy", o->file);
	json_put_str(&w, "id", o->id);
	json_open_array(&w, "records");
	for (size_t i = 0; i < 3; i++) {
		json_open_object(&w, NULL);
		json_put_str(&w, "name",
			arena_fmt(cli->arena, "%s.%.*s", r[i].owner,
				STR_ARG(o->domain)));
		json_put_z(&w, "type", r[i].type);
		json_put_str(&w, "data", r[i].data);
		json_close_object(&w);
	}
	json_close_array(&w);
	json_close_object(&w);
	cli_json_end(cli, &b);
}

static int run_policy(struct cli *cli, const struct args *args)
{
	struct sbuf file = sbuf_arena(cli->arena, TEXT_BYTES_MAX);
	struct sbuf id = sbuf_arena(cli->arena, 64);
	struct offer o = {};
	int code;

	if (args->words.n != 0)
		return cli_usage(
			cli, "\"%s\" is no option", args->words.items[0]);
	code = read_policy(cli, args, &o.policy);
	if (code == CLI_GOOD)
		code = read_offer(cli, args, &o);
	if (code != CLI_GOOD)
		return code;
	sts_policy_write(&file, &o.policy);
	utc_write_compact(&id, clock_now(clock_system()));
	if (!sbuf_ok(&file) || file.n > STS_POLICY_BYTES_MAX)
		return cli_usage(cli, "that is more than a policy may hold");
	o.file = sbuf_str(&file);
	o.id = sbuf_str(&id);
	if (cli->json)
		print_json(cli, &o);
	else
		print_text(cli, &o);
	return CLI_GOOD;
}

static const struct arg_row policy_options[] = {
	{ "mode", "MODE", "none, testing or enforce", 0, false },
	{ "mx", "PATTERN", "MX hosts: names, or *.name", 0, true },
	{ "max-age", "SECONDS", "how long senders keep it (604800)", 0, false },
	{ "domain", "DOMAIN", "the domain it is for", 0, false },
	{ "rua", "URI", "where reports go: mailto: or https:", 0, false },
	{},
};

static const struct command verbs[] = {
	{
		.name = "policy",
		.words = "",
		.summary = "Write a policy file and the DNS records that go "
			   "with it",
		.options = policy_options,
		.run = run_policy,
	},
	{},
};

const struct command cmd_new = {
	.name = "new",
	.words = "",
	.summary = "Write a policy",
	.verbs = verbs,
};
