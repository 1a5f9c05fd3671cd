import axios from 'axios';
import _ from 'lodash';
import { useEffect, useState } from 'react';

export const byBerth = (ships) => _.sortBy(ships, 'berth');

export function useShips() {
  const [ships, setShips] = useState([]);
  useEffect(() => {
    const controller = new AbortController();
    axios
      .get('/ships.json', { signal: controller.signal })
      .then((answer) => setShips(byBerth(answer.data)))
      .catch((error) => {
        if (!axios.isCancel(error)) console.error('the list of ships did not arrive', error);
      });
    return () => controller.abort();
  }, []);
  return ships;
}
