import { useQuery } from '@tanstack/react-query';
import { Loading, Problem } from '../components/Notice';
import { Page } from '../components/Page';
import { formatMoney, formatNumber, formatTime, words } from '../lib/format';
import { useOrganization } from '../lib/organization';
import { supabase } from '../lib/supabase';

export default function Plan() {
  const { id } = useOrganization();
  const { data, error, isPending } = useQuery({ queryKey: ['plan', id], queryFn: () => readPlan(id) });
  return (
    <Page title="Plan and usage">
      {isPending ? <Loading /> : error ? <Problem error={error} /> : <Content {...data} />}
    </Page>
  );
}

async function readPlan(organization: string) {
  const [products, subscriptions, usage] = await Promise.all([
    supabase
      .from('products')
      .select('id, name, description, price_cents, currency, billing_interval')
      .order('sort_order'),
    supabase
      .from('subscriptions')
      .select('product_id, status, current_period_end, cancel_at_period_end')
      .eq('organization_id', organization)
      .in('status', ['trialing', 'active', 'past_due'])
      .order('created_at', { ascending: false })
      .limit(1),
    supabase
      .from('usage_metrics')
      .select('metric, period, period_start, quantity')
      .eq('organization_id', organization)
      .order('period_start', { ascending: false })
      .limit(50),
  ]);
  for (const { error } of [products, subscriptions, usage]) if (error) throw error;
  return { products: products.data ?? [], subscription: subscriptions.data?.[0], usage: usage.data ?? [] };
}

function Content({ products, subscription, usage }: Awaited<ReturnType<typeof readPlan>>) {
  return (
    <>
      {subscription === undefined ? (
        <p className="mb-4">This organization has no plan yet.</p>
      ) : (
        <p className="mb-4">
          Status: {words(subscription.status)}.
          {subscription.current_period_end !== null &&
            ` ${subscription.cancel_at_period_end ? 'Ends' : 'Renews'} ${formatTime(subscription.current_period_end)}.`}
        </p>
      )}
      <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        {products.map((product) => (
          <section key={product.id} className="card bg-base-200">
            <div className="card-body">
              <h2 className="card-title">
                {product.name}
                {product.id === subscription?.product_id && <span className="badge badge-primary">Current</span>}
              </h2>
              <p>{product.description}</p>
              <p className="font-semibold">
                {formatMoney(product.price_cents, product.currency)}
                {product.billing_interval !== 'once' && ` a ${product.billing_interval}`}
              </p>
            </div>
          </section>
        ))}
      </div>
      {products.length === 0 && <p>There are no plans on sale.</p>}
      <h2 className="mt-8 mb-4 text-xl font-semibold">Usage</h2>
      {usage.length === 0 ? (
        <p>Nothing was used yet.</p>
      ) : (
        <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Usage">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">Period</th>
                <th scope="col" className="text-right">
                  Quantity
                </th>
              </tr>
            </thead>
            <tbody>
              {usage.map(({ metric, period, period_start, quantity }) => (
                <tr key={`${metric} ${period} ${period_start}`}>
                  <td>{words(metric)}</td>
                  <td>
                    {words(period)} from {formatTime(period_start)}
                  </td>
                  <td className="text-right">{formatNumber(quantity)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
