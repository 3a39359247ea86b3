import { Link } from 'react-router';
import { Page } from '../components/Page';
import { useOrganization } from '../lib/organization';
import { mayAdd } from '../lib/records';
import { pathOf } from '../lib/table';
import { tables } from '../tables';

export default function Home() {
  const organization = useOrganization();
  return (
    <Page title={organization.name}>
      <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        {tables.map(({ table }) => (
          <section key={table.name} className="card bg-base-200">
            <div className="card-body">
              <h2 className="card-title">{table.title}</h2>
              <p>{table.about}</p>
              <div className="card-actions">
                <Link className="btn btn-sm" to={pathOf(table)}>
                  Open {table.title.toLowerCase()}
                </Link>
                {mayAdd(table, organization) && (
                  <Link className="btn btn-sm btn-primary" to={`${pathOf(table)}/new`}>
                    New {table.one}
                  </Link>
                )}
              </div>
            </div>
          </section>
        ))}
        <section className="card bg-base-200">
          <div className="card-body">
            <h2 className="card-title">Members</h2>
            <p>Invite the people you work with, and choose what they may do.</p>
            <div className="card-actions">
              <Link className="btn btn-sm" to="/members">
                Open members
              </Link>
            </div>
          </div>
        </section>
      </div>
    </Page>
  );
}
