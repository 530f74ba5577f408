import createClient, { type Client } from "openapi-fetch";

import type { paths } from "./schema.js"; // made by openapi-typescript from openapi.yaml

export type Deployments = Client<paths>;

export function connect(url: string, token: string): Deployments {
  return createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
}

/** The program under test: it lists what is deployed in an environment, page by page. */
export async function whatRuns(api: Deployments, environment: string, pageSize = 100): Promise<string[]> {
  const running: string[] = [];
  for (let page = 0, pages = 1; page < pages; page++) {
    const { data, error, response } = await api.GET("/v1/deployments", {
      params: {
        query: {
          environment_name: environment,
          status: "DEPLOYED",
          full_history: true,
          "pagination.page": page,
          "pagination.page_size": pageSize,
        },
      },
    });
    if (!data) {
      throw new Error(`${response.status} ${error.message}`);
    }
    for (const record of data.deployment_records ?? []) {
      running.push(`${record.deployment_name} ${record.artifact?.version}`);
    }
    pages = data.pagination?.total_pages ?? 0;
  }
  return running;
}
