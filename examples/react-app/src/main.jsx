import React from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter, Route, Routes } from 'react-router-dom';

import Board from './Board.jsx';
import Ship from './Ship.jsx';

createRoot(document.getElementById('root')).render(
  <React.StrictMode>
    <BrowserRouter>
      <h1>Harbour board</h1>
      <Routes>
        <Route path="/" element={<Board />} />
        <Route path="/ships/:name" element={<Ship />} />
      </Routes>
    </BrowserRouter>
  </React.StrictMode>,
);
