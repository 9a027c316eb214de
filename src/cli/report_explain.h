/* SPDX-License-Identifier: Apache-2.0 */
/* report_explain: what results and reasons mean, in sentences for people. */
#pragma once

#include "base/json.h"
#include "cli/cli.h"

/* moat report explain; an exit code. */
int report_explain_run(struct cli *cli, const struct args *args);

/* Prints what a result type means, after an empty line; false, without a word:
 * it is none. */
bool report_explain_result(const struct cli *cli, struct str type);

/* Prints a meaning of the API; judgement (may be NULL) is added. */
void report_explain_print(const struct cli *cli, const struct json *meaning,
	const struct json *judgement);
