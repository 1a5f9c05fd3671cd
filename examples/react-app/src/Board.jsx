import React from 'react';
import moment from 'moment';
import { Link } from 'react-router-dom';

import { useShips } from './harbour.js';

export default function Board() {
  const ships = useShips();
  return (
    <table>
      <thead>
        <tr><th>Berth</th><th>Ship</th><th>Here since</th></tr>
      </thead>
      <tbody>
        {ships.map((ship) => (
          <tr key={ship.name}>
            <td>{ship.berth}</td>
            <td><Link to={`/ships/${ship.name}`}>{ship.name}</Link></td>
            <td>{moment(ship.arrived).fromNow()}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
