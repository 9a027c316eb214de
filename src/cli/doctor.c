/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: moat doctor, tests of a machine that sends mail. */
#include "api/policy_settings.h"
#include "api/settings.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/doctor_tests.h"

#include "base/poison.h"

static const char *color_of(const struct cli *cli, enum doctor_verdict v)
{
	switch (v) {
	case DOCTOR_GOOD:
		return cli_green(cli);
	case DOCTOR_WARNING:
	case DOCTOR_UNTESTED:
		return cli_yellow(cli);
	case DOCTOR_ERROR:
		break;
	}
	return cli_red(cli);
}

static void print_lines(const struct cli *cli, const struct doctor *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_line *l = &d->items[i];

		(void)fprintf(cli->out, "%s%-14s%s %-17s %.*s\n",
			color_of(cli, l->verdict),
			doctor_verdict_name(l->verdict), cli_plain(cli), l->id,
			STR_ARG(l->text));
		if (l->remedy[0] != '\0')
			(void)fprintf(cli->out, "%33sdo: %s\n", "", l->remedy);
	}
}

static void print_json(struct cli *cli, const struct doctor *d)
{
	struct sbuf b;
	struct json_writer w = cli_json_begin(cli, &b);

	json_open_object(&w, NULL);
	json_put_z(&w, "verdict", doctor_verdict_name(doctor_worst(d)));
	json_open_array(&w, "tests");
	doctor_json(d, &w);
	json_close_array(&w);
	json_close_object(&w);
	cli_json_end(cli, &b);
}

static int run(struct cli *cli, const struct args *args)
{
	struct examination x = { .cli = cli, .doctor = doctor_of(cli->arena) };
	struct settings *set = NULL;
	struct err e = {};

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	if (client_settings(cli, &set, &e) != ST_OK)
		return cli_failed_remedy(
			cli, &e, "correct the configuration file");
	x.set = set;
	x.profiles = policy_settings_profiles(set, cli->arena, &x.n_profiles);
	doctor_test_machine(&x);
	doctor_test_role(&x);
	doctor_test_mta(&x);
	if (cli->json)
		print_json(cli, &x.doctor);
	else
		print_lines(cli, &x.doctor);
	settings_free(&set);
	return (int)doctor_worst(&x.doctor);
}

const struct command cmd_doctor = {
	.name = "doctor",
	.words = "",
	.summary = "Test this machine, moat and the mail server together",
	.run = run,
};
