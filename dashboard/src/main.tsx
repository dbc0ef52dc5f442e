/** The page: signs in, and shows the pools or one of them, by the address behind the #. No secret is ever in it. */
import { render } from "preact";
import { access } from "./model/access.ts";
import { route } from "./model/route.ts";
import "./style.css";
import { Header } from "./views/header.tsx";
import { PoolPage } from "./views/pool-page.tsx";
import { PoolsPage } from "./views/pools-page.tsx";
import { SignIn } from "./views/sign-in.tsx";

function Page() {
  if (access.value === undefined) return <SignIn />;
  const pool = access.value.capability.pool ?? route.value.pool;
  return (
    <>
      <Header pool={pool} />
      {pool === undefined ? <PoolsPage /> : <PoolPage key={pool} name={pool} />}
    </>
  );
}

const place = document.querySelector("#page");
if (place === null) throw new Error("the page has no place");
render(<Page />, place);
