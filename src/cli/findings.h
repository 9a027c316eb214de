/* SPDX-License-Identifier: Apache-2.0 */
/* findings: printing what a linter found, for people and as JSON. */
#pragma once

#include "cli/cli.h"
#include "proto/finding.h"

/*
 * Prints "NAME: VERDICT, 1 error, ..." and the findings, each with line, rule
 * and remedy. Returns the exit code: 0, 1 with warnings, 2 with errors.
 */
int cli_findings_print(const struct cli *cli, const char *name,
	const char *verdict, const struct finding_list *list);

/*
 * Writes members "name", "verdict" and "findings" into the object that is open.
 * Returns the exit code.
 */
int cli_findings_json(struct json_writer *w, const char *name,
	const char *verdict, const struct finding_list *list);
